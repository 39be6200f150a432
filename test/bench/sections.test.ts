import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillSections } from '../../bench/lib/sections.ts';

const PAGE =
  'before\n<!-- bench:small -->\n\nold $& table\n\n<!-- /bench:small -->\nbetween\n<!-- bench:full -->\nkept\n<!-- /bench:full -->\n';

test('a section takes its text, the others stay; what is filled already does not change', () => {
  const texts = new Map([['small', 'new $& table\n']]);
  const filled = fillSections(PAGE, texts);
  assert.equal(filled, PAGE.replace('old $& table', () => 'new $& table\n').replace('\n\n\n', '\n\n'));
  assert.equal(fillSections(filled, texts), filled);
  assert.equal(fillSections(PAGE, new Map()), PAGE);
});
