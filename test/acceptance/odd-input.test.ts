/** Checkpoints that are unusual and right (support/odd_checkpoints.py): each is merged, every value equal to its source. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { assertMerged } from '../support/compare-merged.ts';
import { mergeJob, runSteps, temporaryFolder } from '../support/merge-cli.ts';
import { runPythonJson } from '../support/python-env.ts';

it('unusual checkpoints are merged', { concurrency: 2 }, async (t) => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'out');
  await mkdir(out);
  const cases = await runPythonJson<string[]>('odd_checkpoints.py', [join(folder.path, 'cases')]);
  const tests = cases.map((name) =>
    t.test(name, async () => {
      const sources = join(folder.path, 'cases', name);
      const output = join(out, `${name}.parquet`);
      const job = mergeJob(sources, output);
      const { exitCode, failure, stderr } = await runSteps(job, job.steps);
      assert.equal(exitCode, 0, `${JSON.stringify(failure)}${stderr}`);
      await assertMerged(sources, output);
    }),
  );
  await Promise.all(tests);
});
