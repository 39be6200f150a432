import assert from 'node:assert/strict';
import { mkdir, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { MergeJob, MergeMessage } from '../../src/merge/job.ts';
import { runSteps } from '../../src/merge/steps.ts';
import { workspacePath } from '../../src/merge/workspace.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

async function twoCheckpoints(t: TestContext): Promise<string> {
  const dir = await temporaryFolder(t);
  await writeParquet({
    [join(dir, 'a.parquet')]: 'SELECT range AS k, random() AS a1 FROM range(100)',
    [join(dir, 'b.parquet')]: 'SELECT range AS k, random() AS b1 FROM range(50)',
  });
  return dir;
}

async function run(job: MergeJob): Promise<MergeMessage> {
  const messages: MergeMessage[] = [];
  await runSteps(job, (message) => messages.push(message));
  return messages.at(-1)!;
}

test('a merge that is begun again and cut short leaves nothing to publish', async (t) => {
  const dir = await twoCheckpoints(t);
  const job = mergeJob(dir, join(dir, 'out', 'merged.parquet'));
  await mkdir(join(dir, 'out'));
  await run({ ...job, steps: ['discover', 'merge', 'verify'] });
  // The folder of the parts cannot be made: the second attempt ends in its middle.
  const parts = join(workspacePath(job.output.path), 'parts');
  await rename(parts, `${parts}.moved`);
  await symlink('/dev/null', parts);
  await assert.rejects(run({ ...job, steps: ['merge'] }));
  await assert.rejects(run({ ...job, steps: ['publish'] }), /the merge step comes first/);
});

test('an output of other reference rows is not the merge that is asked for', async (t) => {
  const dir = await twoCheckpoints(t);
  const job = mergeJob(dir, join(dir, 'out', 'merged.parquet'), { rows: 'reference', reference: 'a.parquet' });
  await mkdir(join(dir, 'out'));
  await run(job);
  const again = await run(job);
  assert.ok(again.event === 'published' && again.figures.alreadyMerged);
  await assert.rejects(run({ ...job, reference: 'b.parquet' }), { name: 'OutputExists' });
});

test('a folder behind a link is named, and not read as a checkpoint', async (t) => {
  const dir = await twoCheckpoints(t);
  await symlink(dir, join(dir, 'c.parquet'));
  await assert.rejects(run(mergeJob(dir, join(dir, 'out', 'merged.parquet'))), {
    name: 'CheckpointInvalid',
    message: /^c\.parquet: is not a plain file/,
  });
});
