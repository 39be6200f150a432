/** Reading a pair back from BigQuery (or what stands for it): the merge with the engine `bigquery`, and what can go wrong. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { fetchEngine } from '../../src/bigquery/fetch.ts';
import { readSessionsPath, type MergedPart } from '../../src/bigquery/merged-parts.ts';
import type { FailureType } from '../../src/contract.ts';
import { MergeFailure } from '../../src/merge/errors.ts';
import type { MergeJob, MergeMessage } from '../../src/merge/job.ts';
import { runSteps } from '../../src/merge/steps.ts';
import { openTestService, type TestService } from '../support/bigquery-service.ts';
import { fieldsOf, loadTable, planOf, writeMerged } from '../support/merged-tables.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

const run = promisify(execFile);
let service: TestService;

before(async () => {
  service = await openTestService();
});
after(() => service[Symbol.asyncDispose]());

const ROWS = 5_000;
/** Aligned, three row groups: what is special stands in the first rows, null in every seventh. */
const odd = (special: string[], usual: string): string =>
  `CASE ${special.map((value, i) => `WHEN range = ${i} THEN ${value}`).join(' ')} WHEN range % 7 = 6 THEN NULL ELSE ${usual} END`;
const A = {
  flag: odd(['true', 'false'], 'range % 3 = 0'),
  small: odd(["'-32768'::SMALLINT", "'32767'::SMALLINT"], '(range % 100)::SMALLINT'),
  whole: odd(["'-2147483648'::INTEGER", "'2147483647'::INTEGER", '0'], '(range * 3)::INTEGER'),
  unsigned: odd(["'4294967295'::UINTEGER", "'2147483648'::UINTEGER"], 'range::UINTEGER'),
  long: odd(["'-9223372036854775808'::BIGINT", "'9223372036854775807'::BIGINT"], 'range * 1000000007'),
  born: odd(["DATE '0001-01-01'", "DATE '9999-12-31'"], "(DATE '2024-01-01' + range::INTEGER)"),
  moment: odd(
    ["TIMESTAMP '1677-09-22 00:12:43'", "TIMESTAMP '2262-04-11 00:00:00'"],
    'make_timestamp(range * 1000003)',
  ),
  single: odd(
    ["'nan'::FLOAT", "'-0.0'::FLOAT", "'inf'::FLOAT", "'1e-45'::FLOAT", "'3.4028235e38'::FLOAT"],
    '(range / 7)::FLOAT',
  ),
  real: odd(
    ["'nan'::DOUBLE", "'-0.0'::DOUBLE", "'-inf'::DOUBLE", "'5e-324'::DOUBLE", "'1.7976931348623157e308'::DOUBLE"],
    'range / 7.0::DOUBLE',
  ),
  text: odd(["''", "'é€😀'", "repeat('long', 1000)"], "'row ' || range"),
  binary: odd(["''::BLOB", "'\\x00\\xFF\\x80'::BLOB"], "encode('b' || range)"),
  nothing: 'NULL::DOUBLE',
};
/** The same as they are sent: what the types of the service hold. */
const STAGED: Partial<Record<keyof typeof A, string>> = {
  small: 'small::BIGINT',
  whole: 'whole::BIGINT',
  unsigned: 'CASE WHEN unsigned > 2147483647 THEN unsigned::BIGINT - 4294967296 ELSE unsigned::BIGINT END',
  born: "(born - DATE '1970-01-01')::BIGINT",
  moment: 'epoch_us(moment)',
  single: 'single::DOUBLE',
  text: 'encode(text)',
};

interface Pair {
  job: MergeJob;
  workspace: string;
  parts: MergedPart[];
}

let tables = 0;

/** Two checkpoints, one with every type, one with half of the rows, in two tables whose rows are in no order. */
async function makePair(t: TestContext, changes: Partial<MergeJob> = {}, broken = ''): Promise<Pair> {
  const dir = await temporaryFolder(t);
  const [a, b] = [join(dir, 'a.parquet'), join(dir, 'b.parquet')];
  await mkdir(join(dir, 'merged'));
  const columns = Object.entries(A).map(([name, sql]) => `${sql} AS "${name}"`);
  await writeParquet(
    {
      [a]: `SELECT range AS k, ${columns.join(', ')} FROM range(${ROWS})`,
      [b]: `SELECT range * 2 AS k, range / 3.0::DOUBLE AS x, 'b' || range AS s FROM range(${ROWS / 2}) ORDER BY hash(range)`,
    },
    ', ROW_GROUP_SIZE 2048',
  );
  const job = mergeJob(dir, join(dir, 'merged', 'out.parquet'), { engine: 'bigquery', ...changes });
  const plan = await planOf({ ...job, output: { path: job.output.path, replace: false } });
  const staged = Object.keys(A).map((name) => STAGED[name as keyof typeof A] ?? `"${name}"`);
  const [first, second] = [staged.slice(0, 5), staged.slice(5)];
  const number = ++tables;
  const parts: MergedPart[] = [
    { table: `m_${number}_0`, slices: [{ file: 0, first: 0, count: first.length }] },
    {
      table: `m_${number}_1`,
      slices: [
        { file: 0, first: first.length, count: second.length },
        { file: 1, first: 0, count: 2 },
      ],
    },
  ];
  const numbered = (list: string[]): string => list.map((sql, i) => `${sql} AS c${i}`).join(', ');
  const files = { [join(dir, 'm0')]: '', [join(dir, 'm1')]: '' };
  files[join(dir, 'm0')] = `SELECT k AS position, ${numbered(first)} FROM '${a}' ORDER BY hash(k)`;
  files[join(dir, 'm1')] =
    `SELECT a.k AS position, ${numbered([...second, 'b.x', 'encode(b.s)'])} FROM '${a}' a LEFT JOIN '${b}' b ON a.k = b.k ${broken} ORDER BY hash(a.k)`;
  await writeParquet(files, ', ROW_GROUP_SIZE 2048');
  for (const [i, part] of parts.entries())
    await loadTable(service, part.table, join(dir, `m${i}`), fieldsOf(plan, part));
  return { job, parts, workspace: await writeMerged(service, job, plan, parts) };
}

async function merge(job: MergeJob, signal?: AbortSignal, onMessage?: (message: MergeMessage) => void): Promise<void> {
  await runSteps(job, onMessage ?? (() => undefined), signal, { bigquery: fetchEngine });
}

const sessionsOf = async (workspace: string): Promise<{ session: string; bytes: number }[]> =>
  (await readFile(readSessionsPath(workspace), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { session: string; bytes: number });

function fails(type: FailureType, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof MergeFailure, String((error as Error).stack));
    assert.equal(error.facts.type, type);
    assert.match(error.message, message);
    return true;
  };
}

test('every type, nulls, misaligned rows and three row groups come back as they went, by value', async (t) => {
  const { job, workspace } = await makePair(t, { steps: ['discover', 'merge'] });
  const progress: number[] = [];
  await merge(job, undefined, (message) => {
    if (message.event === 'progress') progress.push(message.bytesDone / message.bytesTotal);
  });
  const sessions = await sessionsOf(workspace);
  assert.equal(sessions.length, 2);
  assert.ok(sessions.every(({ session, bytes }) => session !== '' && Number.isInteger(bytes)));
  assert.ok(progress.every((share, i) => share <= 1 && share >= (progress[i - 1] ?? 0)) && progress.length > 2);
  // Verification reads every value of the output and of the sources, by other code.
  await merge({ ...job, steps: ['verify', 'publish'] });
});

test('what a killed merge has fetched is not read again', async (t) => {
  const { job, workspace } = await makePair(t, { steps: ['discover', 'merge'] });
  await merge(job);
  const partsDir = join(workspace, 'parts');
  const output = await readFile(join(workspace, 'output.parquet'));
  const again = async (sessions: number): Promise<void> => {
    await merge(job);
    assert.equal((await sessionsOf(workspace)).length, sessions);
    assert.ok(output.equals(await readFile(join(workspace, 'output.parquet'))));
  };
  await again(2);
  // A part of the second table, as a kill leaves it: without its checksum.
  const part = (await readdir(partsDir)).find((name) => /-g1-c5-.*[.]parquet$/.test(name))!;
  await rm(join(partsDir, `${part}.ok`));
  await again(3);
});

test('an abort ends it with its reason', async (t) => {
  const { job } = await makePair(t, { steps: ['discover', 'merge'] });
  const controller = new AbortController();
  const reason = new Error('told to stop');
  const stop = (message: MergeMessage): void => {
    if (message.event === 'progress') controller.abort(reason);
  };
  await assert.rejects(merge(job, controller.signal, stop), reason);
});

test('tables of other checkpoints, or without some of the columns, are refused', async (t) => {
  const { job, workspace, parts } = await makePair(t, { steps: ['discover', 'merge'] });
  const plan = await planOf(job);
  await writeMerged(service, job, plan, parts.slice(0, 1));
  await assert.rejects(merge(job), fails('InputChanged', /do not hold the columns of a.parquet/));
  await writeMerged(service, job, { ...plan, id: 'another' }, parts);
  await assert.rejects(merge(job), fails('InputChanged', /not those that were sent/));
  assert.ok(!existsSync(readSessionsPath(workspace)));
});

test('a row that is there twice is refused, and a table that is not there', async (t) => {
  const { job, parts } = await makePair(t, { steps: ['discover', 'merge'] }, 'OR (a.k = 16 AND b.k = 18)');
  await assert.rejects(merge(job), fails('OutputMismatch', /table m_\d+_1: position 16 comes twice/));
  const plan = await planOf(job);
  await writeMerged(service, job, plan, [parts[0]!, { ...parts[1]!, table: 'm_none' }]);
  await assert.rejects(merge(job), fails('CommandFailed', /has gone before it was read back.*m_none: notFound/));
});

test('a disk that is full in the middle: DiskFull, and what was fetched is kept for the next attempt', async (t) => {
  if (process.getuid?.() !== 0) {
    t.skip('only root may mount a small tmpfs');
    return;
  }
  const { job, workspace } = await makePair(t, { steps: ['discover', 'merge'] });
  const parts = join(workspace, 'parts');
  await mkdir(parts, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', 'size=160k', 'tmpfs', parts]);
  try {
    await assert.rejects(merge(job), fails('DiskFull', /space/i));
    await run('mount', ['-o', 'remount,size=64m', parts]);
    await merge(job);
    await merge({ ...job, steps: ['verify'] });
  } finally {
    await run('umount', [parts]);
  }
});
