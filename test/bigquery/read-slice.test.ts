/** Columns of one table by the Storage Read API: faults of streams and sessions, and rows that are not each there once. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { BigQueryReadClient } from '@google-cloud/bigquery-storage';
import { openReadClient } from '../../src/bigquery/client.ts';
import { BigQueryError } from '../../src/bigquery/error-reasons.ts';
import type { ReadColumn } from '../../src/bigquery/read-columns.ts';
import { SliceMemory } from '../../src/bigquery/read-memory.ts';
import { readSlice, type ReadRequest } from '../../src/bigquery/read-slice.ts';
import type { ReadFault, RunningReadProxy } from '../../src/emulator/read-proxy.ts';
import { MergeFailure } from '../../src/merge/errors.ts';
import { PHYSICAL } from '../../src/merge/parquet/field-ids.ts';
import { openTestService, type TestService } from '../support/bigquery-service.ts';
import { loadTable, position } from '../support/merged-tables.ts';
import { temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

/** Four messages of the emulator. */
const ROWS = 200_000;
const BYTES = ROWS * 16;

let service: TestService;
let proxy: RunningReadProxy | null = null;
let client: BigQueryReadClient;

before(async () => {
  service = await openTestService();
  proxy = service.reads;
  client = openReadClient(service);
});
after(async () => {
  await client.close();
  await service[Symbol.asyncDispose]();
});

let tables = 0;

async function table(t: TestContext, sql: string, type = 'INT64'): Promise<string> {
  const path = join(await temporaryFolder(t), 'table');
  await writeParquet({ [path]: sql });
  const name = `t_${++tables}`;
  await loadTable(service, name, path, [position, { name: 'c0', type }]);
  return name;
}

interface Outcome {
  columns: ReadColumn[];
  sessions: string[];
  rows: number;
}

async function read(name: string, changes: Partial<ReadRequest> = {}): Promise<Outcome> {
  const outcome: Outcome = { columns: [], sessions: [], rows: 0 };
  outcome.columns = await readSlice({
    client,
    project: service.project,
    dataset: service.dataset,
    table: name,
    rows: ROWS,
    columns: [{ name: 'c0', physicalType: PHYSICAL.int64, label: 'a.parquet: x' }],
    width: { mostColumns: 1_000 },
    memory: new SliceMemory(ROWS * 8),
    streams: 4,
    onSession: (session) => {
      outcome.sessions.push(session);
      return Promise.resolve();
    },
    onRows: (rows) => (outcome.rows += rows),
    pace: { firstMs: 1, longestMs: 2 },
    ...changes,
  });
  return outcome;
}

function assertWhole({ columns, rows }: Outcome): void {
  assert.equal(rows, ROWS);
  const [column] = columns;
  assert.ok(column?.kind === 'fixed');
  const wrong = column.values.findIndex((value, row) => Number(value) !== row * 3);
  assert.equal(wrong, -1);
}

test('a broken stream goes on behind the rows that have come; a session that is over is made anew', async (t) => {
  if (proxy === null) {
    t.skip('the service injects no faults');
    return;
  }
  const name = await table(t, `SELECT range AS position, range * 3 AS c0 FROM range(${ROWS}) ORDER BY hash(range)`);
  const booked = proxy;
  const tried = async (faults: ReadFault[], streams = 4): Promise<{ reads: number[]; sessions: number }> => {
    const before = booked.books().length;
    booked.planFaults(faults);
    const outcome = await read(name, { streams });
    assertWhole(outcome);
    const reads = booked.books().slice(before);
    return { reads: reads.map(({ bytes }) => bytes), sessions: new Set(outcome.sessions).size };
  };
  const plain = await tried([]);
  assert.equal(plain.sessions, 1);

  assert.ok(plain.reads.length > 1);

  const cut = await tried([{ fault: 'cut', on: 'ReadRows', afterBytes: BYTES * 0.8 }], 1);
  assert.deepEqual([cut.reads.length, cut.sessions], [2, 1]);
  const sum = cut.reads.reduce((total, bytes) => total + bytes, 0);
  assert.ok(sum < BYTES * 1.5, `${sum} bytes were read of ${BYTES}`);

  const passing = [14, 13, 10, 8, 4, 16].map((status): ReadFault => ({ fault: 'error', on: 'ReadRows', status }));
  assert.equal((await tried([{ fault: 'error', on: 'CreateReadSession', status: 14 }, ...passing])).sessions, 1);
  assert.equal((await tried([{ fault: 'error', on: 'ReadRows', status: 9 }])).sessions, 2);
  const late: ReadFault[] = [
    { fault: 'cut', on: 'ReadRows', afterBytes: BYTES * 0.8 },
    { fault: 'error', on: 'ReadRows', status: 9 },
  ];
  assert.equal((await tried(late, 1)).sessions, 2);
});

test('what does not pass ends it, in the words of the service', async (t) => {
  if (proxy === null) {
    t.skip('the service injects no faults');
    return;
  }
  const name = await table(t, `SELECT range AS position, range * 3 AS c0 FROM range(${ROWS})`);
  const times = (count: number, fault: ReadFault): ReadFault[] => Array.from({ length: count }, () => fault);
  const cases: [ReadFault[], string, string][] = [
    [times(1, { fault: 'error', on: 'ReadRows', status: 7 }), 'ConfigInvalid', 'accessDenied'],
    [times(1, { fault: 'error', on: 'CreateReadSession', status: 5 }), 'ConfigInvalid', 'notFound'],
    [times(40, { fault: 'error', on: 'ReadRows', status: 14 }), 'BackendUnavailable', 'backendError'],
  ];
  for (const [faults, type, reason] of cases) {
    proxy.planFaults(faults);
    await assert.rejects(read(name), (error) => {
      assert.ok(error instanceof BigQueryError, String((error as Error).stack));
      assert.deepEqual([error.type, error.reason], [type, reason]);
      return true;
    });
  }
  proxy.planFaults([]);
});

test('an abort ends it with its reason, in the middle and while it waits', async (t) => {
  const name = await table(t, `SELECT range AS position, range * 3 AS c0 FROM range(${ROWS})`);
  const reason = new Error('told to stop');
  const controller = new AbortController();
  const stopped = read(name, { signal: controller.signal, onRows: () => controller.abort(reason) });
  await assert.rejects(stopped, reason);
  if (proxy === null) return;
  const waiting = new AbortController();
  proxy.planFaults([{ fault: 'error', on: 'ReadRows', status: 14 }]);
  const waits = read(name, {
    signal: waiting.signal,
    pace: { firstMs: 3_600_000, longestMs: 3_600_000 },
    onSession: () => {
      setTimeout(() => waiting.abort(reason), 200);
      return Promise.resolve();
    },
  });
  await assert.rejects(waits, reason);
});

test('each position once, and values that fit: else the table is named', async (t) => {
  const all = `SELECT range AS position, range * 3 AS c0 FROM range(${ROWS})`;
  const cases: [string, RegExp, (string | number)?][] = [
    [`SELECT * FROM (${all}) WHERE position <> 77777`, /1 of 200000 rows do not come, the first with position 77777/],
    [`SELECT if(position = 5, 6, position) AS position, c0 FROM (${all})`, /position 6 comes twice/],
    [`SELECT if(position = 5, ${ROWS}, position) AS position, c0 FROM (${all})`, /position 200000 comes where/],
    [`SELECT if(position = 5, -1, position) AS position, c0 FROM (${all})`, /position -1 comes where/],
    [`SELECT if(position = 5, NULL, position) AS position, c0 FROM (${all})`, /position came as Int.*, 1 times null/],
    [
      `SELECT position, if(position = 5, 2147483648, c0) AS c0 FROM (${all})`,
      /c0 \(a.parquet: x\) has the value 2147483648/,
      PHYSICAL.int32,
    ],
    [`SELECT position, 0.1::DOUBLE AS c0 FROM (${all})`, /c0 .* has the value 0.1, which is no float/, PHYSICAL.float],
    [`SELECT position, 0.1::DOUBLE AS c0 FROM (${all})`, /c0 .* came as Float.* instead of Int64/, PHYSICAL.int64],
  ];
  for (const [sql, message, physicalType = PHYSICAL.int64] of cases) {
    const name = await table(t, sql, sql.includes('DOUBLE') ? 'FLOAT64' : 'INT64');
    const columns = [{ name: 'c0', physicalType: Number(physicalType), label: 'a.parquet: x' }];
    await assert.rejects(read(name, { columns }), (error) => {
      assert.ok(error instanceof MergeFailure && error.facts.type === 'OutputMismatch', String(error));
      assert.match(error.message, message);
      assert.match(error.message, new RegExp(`table ${name}:`));
      return true;
    });
  }
});
