import assert from 'node:assert/strict';
import test from 'node:test';
import { RawForms } from '../../../src/merge/keys/raw-forms.ts';

test('equal bytes of one description have one id, whether they are remembered or not', () => {
  const forms = new RawForms();
  const column = (seed: number): Buffer => Buffer.alloc(1000, `column ${seed}`);
  const ids = Array.from({ length: 20 }, (_, seed) => forms.idOf('int64', column(seed)));
  assert.equal(new Set(ids).size, 20);
  for (const [seed, id] of ids.entries()) assert.equal(forms.idOf('int64', column(seed)), id);
  assert.notEqual(forms.idOf('timestamp', column(0)), ids[0]);
});

test('the memory that it is given may be used again', () => {
  const forms = new RawForms();
  const scratch = Buffer.alloc(100, 'a');
  const first = forms.idOf('int64', scratch);
  scratch.fill('b');
  assert.notEqual(forms.idOf('int64', scratch), first);
  assert.equal(forms.idOf('int64', Buffer.alloc(100, 'a')), first);
});
