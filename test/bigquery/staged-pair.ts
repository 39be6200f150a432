/** A small pair as the step `prepare` leaves it, and a purse that keeps books: for the tests of what comes after it. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { CloudHooks } from '../../src/bigquery/cloud-session.ts';
import { BudgetRefused, type Purse, type PurseLine } from '../../src/bigquery/purse.ts';
import type { CloudRequest } from '../../src/bigquery/staging-tables.ts';
import { startProxy, type RunningProxy } from '../../src/emulator/proxy.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import { readFingerprint } from '../../src/merge/fingerprint.ts';
import { stagingFolder, stagingPath, type StagedCheckpoint, type StagedKey } from '../../src/merge/staging.ts';
import { PROJECT } from '../emulator/clients.ts';
import { useEmulator } from '../emulator/emulated.ts';
import { temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

export const LOCATION = 'EU';
export const ROWS = 200;
/** From below 2^31 to above it. */
const keySql = (row: string): string => `2147000000 + ${row} * 10000`;
/** Of the tail: any cut of the view will do. */
const TAIL_BYTES = 300;

interface Recipe {
  name: string;
  sql: string;
  key: StagedKey;
  rows: number;
  types: string[];
  /** What the types mean, in the words of describeType, and what the columns are called. */
  described: string[];
  names: string[];
}

/** Of microseconds like the spine, of milliseconds with rows missing and in another order, and of unsigned 32 bits. */
const RECIPES: Recipe[] = [
  {
    name: 'a.parquet',
    sql: `SELECT ${keySql('range')} AS key, range / 8 AS c0, CASE WHEN range % 3 > 0 THEN range::INTEGER END AS c1, encode('é' || range) AS c2, range % 2 = 0 AS c3, (range / 4)::FLOAT AS c4 FROM range(${ROWS})`,
    key: { type: 'int64', unsigned32: false, factor: '1' },
    rows: ROWS,
    types: ['double', 'int32', 'byteArray', 'boolean', 'float'],
    described: ['double', 'int32 date', 'byteArray string', 'boolean', 'float'],
    names: ['price', 'day', 'label', 'is open', 'Ratio'],
  },
  {
    name: 'b.parquet',
    sql: `SELECT (${keySql('range')}) // 1000 AS key, range AS c0, -range AS c1, range + 0.5::DOUBLE AS c2 FROM range(${ROWS}) WHERE range % 5 > 0 ORDER BY hash(range)`,
    key: { type: 'int64', unsigned32: false, factor: '1000' },
    rows: (ROWS * 4) / 5,
    types: ['int64', 'int64', 'double'],
    described: ['int64 timestamp us utc', 'int64', 'double'],
    names: ['opened', 'OPENED', 'is_open'],
  },
  {
    name: 'c.parquet',
    sql: `SELECT (CASE WHEN k >= 2147483648 THEN k - 4294967296 ELSE k END)::INTEGER AS key, i * 3 AS c0, i * 4 AS c1, i * 5 AS c2, i * 6 AS c3 FROM (SELECT range AS i, ${keySql('range')} AS k FROM range(${ROWS})) ORDER BY i DESC`,
    key: { type: 'int32', unsigned32: true, factor: '1' },
    rows: ROWS,
    types: ['int64', 'int64', 'int64', 'int64'],
    described: ['int64 timestamp ns local', 'int64 time us utc', 'int64 decimal 18 2', 'int64 timestamp ms local'],
    names: ['seen', '2nd', '_table_x', 'größe'],
  },
];

/** What row `i` of the merged pair has to hold, column by column. */
export function expectedRow(i: number): unknown[] {
  const b = i % 5 > 0;
  return [
    ...[i / 8, i % 3 > 0 ? i : null, Buffer.from(`é${i}`), i % 2 === 0, i / 4],
    ...(b ? [i, i === 0 ? 0 : -i, i + 0.5] : [null, null, null]),
    ...[i * 3, i * 4, i * 5, i * 6],
  ];
}

export async function stagePair(workspace: string): Promise<void> {
  const folder = stagingFolder(workspace);
  await mkdir(folder, { recursive: true });
  const spinePath = join(folder, 'spine.parquet');
  const view = (name: string): string => join(workspace, `${name}.view`);
  await writeParquet({
    [spinePath]: `SELECT range AS position, ${keySql('range')} AS key FROM range(${ROWS})`,
    ...Object.fromEntries(RECIPES.map(({ name, sql }) => [view(name), sql])),
  });
  const checkpoints: StagedCheckpoint[] = [];
  for (const [index, { name, key, rows, types, described, names }] of RECIPES.entries()) {
    const bytes = await readFile(view(name));
    const path = join(workspace, name);
    const tail = { path: join(folder, `${index}.tail`), bytes: TAIL_BYTES };
    await writeFile(path, bytes.subarray(0, -TAIL_BYTES));
    await writeFile(tail.path, bytes.subarray(-TAIL_BYTES));
    const columns = types.map((type, i) => ({
      type,
      name: names[i]!,
      described: described[i]!,
      payloadBytes: type === 'byteArray' ? 5 : 0,
    }));
    checkpoints.push({
      name,
      path,
      fingerprint: readFingerprint(path),
      tail,
      content: sha256(bytes),
      rows,
      key,
      columns,
    });
  }
  const spine = await readFile(spinePath);
  const staging = {
    ...{ version: 1, planId: 'plan', rows: ROWS, rowGroupRows: [ROWS] },
    key: { name: 'interval_time', described: 'int64 timestamp us utc' },
    spine: { path: spinePath, bytes: spine.length, content: sha256(spine), keyType: 'int64', keyBytes: 8 },
    checkpoints,
  };
  await writeFile(stagingPath(workspace), JSON.stringify(staging));
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export interface Ledger extends Purse {
  reserved: Map<string, PurseLine>;
  settled: Map<string, PurseLine>;
  /** The most that was asked for a job, nano-dollars. */
  asked: Map<string, number>;
  /** What is reserved beyond it is refused, nano-dollars. */
  limitNanos: number;
}

/** As the budget keeps it: a settled job is not reserved again. */
export function ledger(): Ledger {
  const books: Ledger = {
    reserved: new Map(),
    settled: new Map(),
    asked: new Map(),
    limitNanos: Infinity,
    reserve: (line) => {
      books.asked.set(line.jobId, Math.max(line.nanos, books.asked.get(line.jobId) ?? 0));
      if (books.settled.has(line.jobId)) return Promise.resolve({ settled: true });
      const others = [...books.reserved.values()].filter(({ jobId }) => jobId !== line.jobId);
      if (others.reduce((sum, { nanos }) => sum + nanos, line.nanos) > books.limitNanos)
        return Promise.reject(new BudgetRefused('no money'));
      books.reserved.set(line.jobId, line);
      return Promise.resolve({ settled: false });
    },
    settle: (line) => {
      books.reserved.delete(line.jobId);
      books.settled.set(line.jobId, line);
      return Promise.resolve();
    },
    open: () => Promise.resolve([...books.reserved.values()]),
  };
  return books;
}

export interface PairBench {
  proxy: RunningProxy;
  request: CloudRequest;
  books: Ledger;
  hooks: CloudHooks & { purse: Ledger };
}

let datasets = 0;

/** A proxy that the environment names, a dataset's name that is not taken, a staged pair, and a ledger. */
export async function pairBench(t: TestContext, restUrl: string, partitionColumns = 10_000): Promise<PairBench> {
  const proxy = await startProxy({ restUrl, limitMetadataRate: true });
  useEmulator(t, proxy.url);
  t.after(() => proxy.stop());
  const workspace = await temporaryFolder(t);
  await stagePair(workspace);
  const config = {
    ...defaultBigquery(),
    ...{ project: PROJECT, location: LOCATION, dataset: `pair_${process.pid}_${++datasets}`, partitionColumns },
  };
  const books = ledger();
  return {
    proxy,
    request: { workspace, run: 'fx@2026-11-24T02:00:00.000Z', pair: 'EURUSD', round: 0, config },
    books,
    hooks: { purse: books, pace: { firstMs: 1, longestMs: 20 } },
  };
}
