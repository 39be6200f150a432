import assert from 'node:assert/strict';
import { readdir, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { alignFiles } from '../../src/merge/align-files.ts';
import { openCrew } from '../../src/merge/crew/crew.ts';
import { listCheckpoints } from '../../src/merge/discover.ts';
import { planMerge } from '../../src/merge/plan-merge.ts';
import type { MergePlan } from '../../src/merge/plan.ts';
import { rowMapper } from '../../src/merge/row-map.ts';
import { shareDatabase } from '../../src/merge/share-database.ts';
import { readKeys } from '../../src/merge/keys/read-keys.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

const FILES = 6;
const ROWS = 5000;

/** The first is the spine; the others are shuffled, each with a column of text among numbers. */
async function shuffledPlan(t: TestContext): Promise<MergePlan> {
  const dir = await temporaryFolder(t);
  const sql = (file: number): string =>
    `SELECT range AS k, random() AS a${file}, 't' || (range % 9) AS text${file}, range % 5 AS b${file} FROM range(${ROWS}) ORDER BY ${file === 0 ? 'range' : `hash(range, ${file})`}`;
  await writeParquet(
    Object.fromEntries(Array.from({ length: FILES }, (_, file) => [join(dir, `c${file}.parquet`), sql(file)])),
  );
  const job = mergeJob(dir, join(dir, 'out.parquet'));
  return planMerge(job, await listCheckpoints(job));
}

async function align(plan: MergePlan, dir: string, crewSize: number, signal?: AbortSignal): Promise<string[]> {
  const crew = openCrew(crewSize, signal);
  const databases = shareDatabase(dir, 256 * 1024 ** 2, signal);
  const mapRows = rowMapper(plan.spine.keys);
  const done: string[] = [];
  try {
    await alignFiles({
      checkpoints: plan.checkpoints.filter(({ index }) => !plan.aligned[index]),
      rowsOf: async (checkpoint) => mapRows(await readKeys(checkpoint, plan.spine.types)),
      rowGroupRows: [3000, 2000],
      dir,
      partKey: ({ name }) => name,
      crew,
      withDatabase: databases.use,
      onDone: ({ name }) => done.push(name),
    });
    return done;
  } finally {
    await crew.close();
    await databases.close();
  }
}

const partsOf = async (dir: string): Promise<string[]> =>
  (await readdir(dir)).filter((name) => name.endsWith('.parquet')).sort();

test('the same bytes, however many are at work; parts that are whole are kept, torn ones written again', async (t) => {
  const plan = await shuffledPlan(t);
  const [alone, together] = [await temporaryFolder(t), await temporaryFolder(t)];
  assert.equal((await align(plan, alone, 1)).length, FILES - 1);
  assert.equal((await align(plan, together, 3)).length, FILES - 1);
  const names = await partsOf(alone);
  // Of each file and row group: what is before the text, the text, and what is behind it.
  assert.equal(names.length, (FILES - 1) * 2 * 3);
  assert.deepEqual(await partsOf(together), names);
  for (const name of names)
    assert.deepEqual(await readFile(join(together, name)), await readFile(join(alone, name)), name);

  const inode = async (name: string): Promise<number> => (await stat(join(alone, name))).ino;
  const before = await Promise.all(names.map(inode));
  const torn = names.findIndex((name) => name.includes('-f0-'));
  await truncate(join(alone, names[torn]!), 100);
  await align(plan, alone, 2);
  const after = await Promise.all(names.map(inode));
  assert.deepEqual(
    names.filter((_, i) => before[i] !== after[i]),
    [names[torn]],
  );
  assert.deepEqual(await readFile(join(alone, names[torn]!)), await readFile(join(together, names[torn]!)));
});

test('the failure of the first broken file is told, whoever comes upon which first', async (t) => {
  const plan = await shuffledPlan(t);
  const dir = await temporaryFolder(t);
  const misaligned = plan.checkpoints.map(({ index }) => index).filter((index) => !plan.aligned[index]);
  const broken = plan.checkpoints.map((checkpoint) =>
    checkpoint.index === misaligned[0]
      ? checkpoint
      : { ...checkpoint, path: join(dir, `gone-${checkpoint.index}.parquet`) },
  );
  await assert.rejects(align({ ...plan, checkpoints: broken }, dir, 2), {
    code: 'ENOENT',
    path: join(dir, `gone-${misaligned[1]}.parquet`),
  });
});

test('an abort ends the threads at once, with its reason, and leaves no part that is not whole', async (t) => {
  const plan = await shuffledPlan(t);
  const dir = await temporaryFolder(t);
  const controller = new AbortController();
  const reason = new Error('the operator has paused');
  const aligning = align(plan, dir, 2, controller.signal);
  controller.abort(reason);
  await assert.rejects(aligning, (error) => error === reason);
  const names = await readdir(dir);
  for (const name of names.filter((own) => own.endsWith('.ok'))) assert.ok(names.includes(name.slice(0, -3)), name);
});
