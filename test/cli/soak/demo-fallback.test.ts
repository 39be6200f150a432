import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCli } from '../support.ts';

test('the demo of the fallback shows the failure, the route, the budget and the comparison, and ends well', async (t) => {
  const cli = await openCli();
  t.after(() => cli.close());
  const { exitCode, stdout, stderr } = await cli.run('demo', '--fallback');
  assert.equal(exitCode, 0, stderr + stdout);
  for (const shown of [
    /MemoryExhausted/,
    />>> signal: pivotBackend/,
    />>> the budget has stopped/,
    />>> update: raise the budget/,
    />>> signal: retryPair/,
    /merged again by local: all [\d,]+ values, their types and their order are the same/,
  ])
    assert.match(stdout, shown);
});
