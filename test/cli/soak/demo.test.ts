import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCli } from '../support.ts';

test('the demo ends by itself, well, and has shown what it promises', async (t) => {
  const cli = await openCli();
  t.after(() => cli.close());
  const { exitCode, stdout, stderr } = await cli.run('demo');
  assert.equal(exitCode, 0, stderr + stdout);
  for (const shown of [/>>> signal: pause/, />>> signal: resume/, />>> SIGKILL to the worker .* merging EURJPY/])
    assert.match(stdout, shown);
  assert.match(stdout, /^26 of 27 pairs merged/m);
  assert.match(stdout, /^CADJPY .*set aside: CheckpointInvalid: checkpoint_024\.parquet/m);
  assert.ok(!stdout.includes('\u001B'), 'no redrawing off a terminal');
});
