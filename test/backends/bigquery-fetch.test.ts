import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { MergeError, type MergeContext } from '../../src/backends/backend.ts';
import { fetchParts } from '../../src/backends/bigquery-fetch.ts';
import { PairPurse } from '../../src/backends/bigquery-purse.ts';
import { reserveRead, settleOpenRead } from '../../src/backends/bigquery-read-bill.ts';
import { mergedPartsPath, readSessionsPath } from '../../src/bigquery/merged-parts.ts';
import { Ledger } from '../../src/budget/ledger.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import type { MergeJob } from '../../src/merge/job.ts';
import { stagingFolder, stagingPath } from '../../src/merge/staging.ts';
import { ledgerBooks } from '../support/ledger-books.ts';
import { FIGURES } from '../workflows/support/fake-machine.ts';

const PROJECT = 'widemerge-test';
const GIB = 2 ** 30;
const ROWS = 1_000_000;
const context = {} as MergeContext;

let workspace: string;
let ledger: Ledger;

suite('fetching from BigQuery', () => {
  beforeEach(async () => {
    ledger = new Ledger(PROJECT);
    workspace = await mkdtemp(join(tmpdir(), 'widemerge-test-'));
    await mkdir(stagingFolder(workspace));
    const columns = ['double', 'double'].map((type) => ({ type, name: 'x', payloadBytes: 0 }));
    await writeFile(stagingPath(workspace), JSON.stringify({ planId: 'plan', rows: ROWS, checkpoints: [{ columns }] }));
    const parts = [{ table: 'm', slices: [{ file: 0, first: 0, count: 2 }] }];
    await writeFile(mergedPartsPath(workspace), JSON.stringify({ planId: 'plan', parts }));
  });
  afterEach(() => rm(workspace, { recursive: true }));

  const config = { ...defaultBigquery(), project: PROJECT, workerLocation: null };
  const purseOf = (run: string, budgetNanos: number): PairPurse => {
    const books = ledgerBooks(ledger, () => 0);
    return new PairPurse({ books, project: PROJECT, run, runName: 'fx', pair: 'P', budgetNanos });
  };
  const requestOf = (run: string) => ({ workspace, run, pair: 'P', round: 0, config });
  const fetch = async (
    merge: (job: MergeJob) => Promise<void>,
    { narrowed = 0, run = 'fx@1', budgetNanos = 1e9 } = {},
  ): ReturnType<typeof fetchParts> => {
    const purse = purseOf(run, budgetNanos);
    const mergeFigures = async (job: MergeJob): Promise<typeof FIGURES> => {
      await merge(job);
      return FIGURES;
    };
    const job = { memoryBytes: 40 * GIB } as MergeJob;
    return fetchParts(requestOf(run), purse, job, context, { merge: mergeFigures, narrowed });
  };
  const reads = (bytes: number) =>
    appendFile(readSessionsPath(workspace), `${JSON.stringify({ session: 's', bytes })}\n`);
  const nanosOf = (bytes: number): number => Math.ceil((bytes / 2 ** 40) * 1.1e9) + Math.ceil((bytes / GIB) * 0.12e9);
  const exhausted = (): never => {
    throw new MergeError({ type: 'MemoryExhausted', message: 'the merge ran out of memory' });
  };

  test('memory failures narrow the slices; they lead to no other backend', async () => {
    const tried: number[] = [];
    const narrowThrice = async ({ memoryBytes }: MergeJob): Promise<void> => {
      tried.push(memoryBytes / GIB);
      await reads(100);
      if (tried.length < 4) exhausted();
    };
    const { figures, bytesRead } = await fetch(narrowThrice);
    assert.deepEqual([figures, bytesRead], [FIGURES, 400]);
    // What is more than a GiB makes the slices no wider.
    assert.deepEqual(tried, [40, 0.5, 0.25, 0.125]);

    tried.length = 0;
    const always = ({ memoryBytes }: MergeJob): Promise<void> => {
      tried.push(memoryBytes / GIB);
      return exhausted();
    };
    await assert.rejects(fetch(always, { narrowed: 2 }), {
      name: 'MemoryExhausted',
      message: /not even with slices for 128 MiB: the merge ran out of memory; give limits\.memory more/,
    });
    assert.deepEqual(tried, [0.25, 0.125]);
  });

  test('what is read is set aside before, and booked after it, by kind', async () => {
    let reserved = 0;
    const { bytesRead, nanos } = await fetch(async () => {
      reserved = ledger.view().runs[0]!.reservedNanos;
      await reads(10 * GIB);
    });
    // Two columns and the position, of 8 bytes each.
    assert.equal(reserved, nanosOf(24 * ROWS));
    assert.deepEqual([bytesRead, nanos], [10 * GIB, nanosOf(10 * GIB)]);
    const { open, unknownJobs, runs } = ledger.view();
    assert.deepEqual([open, unknownJobs, runs[0]!.spentNanos], [[], 0, nanos]);
    assert.equal(runs[0]!.kinds['storage-read'], Math.ceil((10 / 1024) * 1.1e9));
  });

  test('attempts that failed, or vanished, are billed, each once', async () => {
    const broken = async (): Promise<void> => {
      await reads(GIB);
      throw new MergeError({ type: 'DiskFull', message: 'full' });
    };
    await assert.rejects(fetch(broken), { name: 'DiskFull' });
    assert.equal(ledger.view().runs[0]!.spentNanos, nanosOf(GIB));

    // Its worker is gone: what it has read is in the file alone.
    const before = ledger.carry();
    await fetch(() => reads(2 * GIB));
    ledger = new Ledger(PROJECT, before);
    const third = await fetch(() => reads(4 * GIB));
    assert.equal(third.bytesRead, 7 * GIB);
    const { open, runs } = ledger.view();
    assert.deepEqual([open, runs[0]!.spentNanos], [[], nanosOf(GIB) + nanosOf(2 * GIB) + nanosOf(4 * GIB)]);
    assert.equal(third.nanos, runs[0]!.spentNanos);

    const other = await fetch(() => reads(GIB), { run: 'fx@2' });
    assert.equal(other.bytesRead, GIB, 'of its own run');
  });

  test('an attempt that vanished and has none after it is billed where the pair goes elsewhere', async () => {
    const purse = purseOf('fx@1', 1e9);
    await settleOpenRead(requestOf('fx@1'), purse);
    assert.deepEqual(ledger.view().runs, [], 'nothing was begun');
    await reserveRead(requestOf('fx@1'), purse);
    await reads(2 * GIB);
    await settleOpenRead(requestOf('fx@1'), purse);
    await settleOpenRead(requestOf('fx@1'), purse);
    const { open, runs } = ledger.view();
    assert.deepEqual([open, runs[0]!.spentNanos, purse.settledNanos], [[], nanosOf(2 * GIB), nanosOf(2 * GIB)]);
  });

  test('where one line has no room the other does not stay reserved; raised, the next attempt goes on', async () => {
    const storageRead = Math.ceil(((24 * ROWS) / 2 ** 40) * 1.1e9);
    const refused = fetch(() => assert.fail('it is read'), { budgetNanos: storageRead + 1 });
    await assert.rejects(refused, { type: 'BudgetExceeded', message: /egress of P/ });
    assert.deepEqual(ledger.view().open, []);
    ledger.raise({ toNanos: 1e9 }, 0);
    const { nanos } = await fetch(() => reads(GIB));
    const { open, unknownJobs, runs } = ledger.view();
    assert.deepEqual([open, unknownJobs, runs[0]!.spentNanos, nanos], [[], 0, nanosOf(GIB), nanosOf(GIB)]);
  });

  test('a workspace that is new does not take the numbers of an earlier one, which were paid', async () => {
    await fetch(() => reads(GIB));
    await fetch(() => reads(GIB));
    await rm(readSessionsPath(workspace));
    let reserved = 0;
    await fetch(async () => {
      reserved = ledger.view().runs[0]!.reservedNanos;
      await reads(GIB);
    });
    assert.equal(reserved, nanosOf(24 * ROWS));
    const { open, unknownJobs, runs } = ledger.view();
    assert.deepEqual([open, unknownJobs, runs[0]!.spentNanos], [[], 0, 3 * nanosOf(GIB)]);
  });

  test('nothing is read that the budget has not', async () => {
    const never = (): Promise<void> => assert.fail('it is read');
    await assert.rejects(fetch(never, { budgetNanos: 1000 }), {
      type: 'BudgetExceeded',
      message: /widemerge retry fx P/,
    });
  });
});
