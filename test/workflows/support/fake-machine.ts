import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { ActivityDependencies } from '../../../src/activities/dependencies.ts';
import type { Backend, MergeContext } from '../../../src/backends/backend.ts';
import { MergeError } from '../../../src/backends/backend.ts';
import type { BigqueryBackend, CloudHooks, CloudRequest, ResultTables } from '../../../src/backends/bigquery.ts';
import type { BudgetBooks } from '../../../src/backends/bigquery-purse.ts';
import { openJournal } from '../../../src/backends/journal.ts';
import type { MergeProcessResult } from '../../../src/backends/merge-process.ts';
import { BACKENDS } from '../../../src/contract.ts';
import type { BackendName, FailureType } from '../../../src/contract.ts';
import type { MergeFigures, RunConfig } from '../../../src/payloads.ts';
import type { HealthReport } from '../../../src/guard/health.ts';
import type { MergeJob } from '../../../src/merge/job.ts';

/** What one attempt does; gets the attempt's context, so that it can hang until it is stopped. */
export type Act = (context: MergeContext) => Promise<void> | void;

/**
 * The real activities over a machine that is made up: these tests are about the order of things, failures and messages,
 * which real merges would make slow and rare. Real merges under the real guard have tests of their own.
 */
export class FakeMachine {
  /** What happened, in order: `discover EURUSD`, `merge EURUSD local`, `clean EURUSD`. */
  readonly calls: string[] = [];
  readonly healthReports: HealthReport[] = [];
  /** What the budget says at the next query. */
  readonly budgetWarnings: string[] = [];
  /** Peaks of memory, by pair; else that of FIGURES. */
  readonly peaks = new Map<string, number>();
  journal: ActivityDependencies['openJournal'] = openJournal;
  /** Grants everything. */
  books: BudgetBooks = {
    reserve: () => Promise.resolve({ granted: true, settled: false, warnings: this.budgetWarnings.splice(0) }),
    settle: () => Promise.resolve({ changed: true, unknown: false, warnings: [] }),
    open: () => Promise.resolve([]),
  };
  readonly root: string;
  private readonly acts = new Map<string, Act[]>();
  private readonly merged = new Set<string>();

  constructor() {
    this.root = mkdtempSync(join(tmpdir(), 'widemerge-test-'));
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  config(name: string, pairs: RunConfig['pairs'], changes: Partial<RunConfig> = {}): RunConfig {
    return {
      name,
      root: this.root,
      output: this.root,
      pairs,
      key: 'interval_time',
      checkpoints: { pattern: '*.parquet', expected: null },
      rows: 'union',
      reference: null,
      backends: ['local', 'duckdb'],
      limits: { memoryBytes: 2 ** 30, killAboveBytes: 2 ** 31, timeoutMs: 60_000, stallMs: 30_000 },
      health: { minFreeMemoryBytes: 0, maxSwapUsedPercent: 100, minFreeDiskBytes: 0 },
      verify: 'bytes',
      clean: 'keep',
      replace: false,
      ...changes,
    };
  }

  /** What the next attempts at `step PAIR` (`merge EURUSD`) do; after them, and without them, attempts succeed. */
  script(step: string, ...acts: Act[]): void {
    this.acts.set(step, [...(this.acts.get(step) ?? []), ...acts]);
  }

  /** The pair counts as merged by an earlier run. */
  mergedBefore(pair: string): void {
    this.merged.add(pair);
  }

  readonly dependencies = (searchAttributesReady: boolean): ActivityDependencies => ({
    backends: Object.fromEntries(BACKENDS.map((name) => [name, this.backend(name)])) as Record<BackendName, Backend>,
    bigquery: this.bigquery(),
    books: this.books,
    runMergeProcess: (job, context) => this.process(job, context),
    checkHealth: () => Promise.resolve(this.healthReports.shift() ?? healthy([])),
    openJournal: (dir) => this.journal(dir),
    machineLock: join(this.root, 'lock'),
    totalMemoryBytes: 2 ** 34,
    machine: { cores: 2, host: 'here' },
    readCurves: () => Promise.resolve([]),
    searchAttributesReady: () => searchAttributesReady,
  });

  private backend(name: BackendName): Backend {
    return {
      name,
      merge: async (job, context) => {
        const pair = basename(job.source.dir);
        await this.act('merge', pair, ` ${name}`, context);
        return { ...FIGURES, peakBytes: this.peaks.get(pair) ?? FIGURES.peakBytes };
      },
    };
  }

  /** Tables that have been left, by pair. */
  private readonly left = new Map<string, ResultTables>();

  /** Steps are called `find EURUSD`, `stage EURUSD`, `query EURUSD`, `fetch EURUSD`, `leave EURUSD` and `tidy EURUSD`; the one before them is `prepare EURUSD`. */
  private bigquery(): BigqueryBackend {
    const step = (name: string, { pair }: CloudRequest, { signal, onProgress }: CloudHooks): Promise<void> => {
      onProgress?.({ step: name, done: 1, total: 3, bytesDone: 10, bytesTotal: 30 });
      return this.act(name, pair, '', signal === undefined ? {} : { signal });
    };
    return {
      stageTables: async (request, hooks) => {
        await step('stage', request, hooks);
        return { tables: 4, sent: 4, bytesSent: 30 };
      },
      queryParts: async (request, hooks) => {
        await step('query', request, hooks);
        await hooks.purse.reserve({ jobId: `q-${request.pair}`, step: 'merge', kind: 'scan', nanos: 250 });
        return { parts: 1, queries: 1, bytesBilled: 40, slotMs: 500, nanos: 250 };
      },
      fetchParts: async ({ pair }, _hooks, _job, context) => {
        await this.act('fetch', pair, '', context);
        return { figures: FIGURES, bytesRead: 20, nanos: 50 };
      },
      endJobs: async (request, hooks) => {
        await step('end', request, hooks);
        return { ended: 1, nanos: 0 };
      },
      findResult: async (request, hooks) => {
        await step('find', request, hooks);
        return this.left.get(request.pair) ?? null;
      },
      leaveResult: async (request, verified, hooks) => {
        await step('leave', request, hooks);
        const figures = { parts: 1, bytes: 60, rows: 10, columns: 7, files: 3, verified };
        const left = { ...figures, tables: `demo.kept: ${request.pair}_1` };
        this.left.set(request.pair, left);
        return { ...left, queries: 1, bytesBilled: 10, nanos: 5 };
      },
      tidyTables: async (request, hooks) => {
        await step('tidy', request, hooks);
        return { removed: 5 };
      },
    };
  }

  private async process(job: MergeJob, context: MergeContext): Promise<MergeProcessResult> {
    const [step] = job.steps;
    const pair = basename(job.source.dir);
    await this.act(String(step), pair, '', context);
    if (step === 'clean')
      return { receipt: { mode: job.clean!, files: 2, bytes: 10, keptFiles: 0, kept: [], restore: null } };
    if (step === 'prepare') return { prepared: { checkpoints: 3, columns: 7, rows: 10, bytes: 30 } };
    if (step !== 'discover') return { figures: FIGURES };
    const alreadyMerged = this.merged.has(pair) ? FIGURES : null;
    return { discovery: { ...COUNTS, diskBytes: 100, alreadyMerged } };
  }

  private async act(step: string, pair: string, detail: string, context: Pick<MergeContext, 'signal'>): Promise<void> {
    this.calls.push(`${step} ${pair}${detail}`);
    await this.acts.get(`${step} ${pair}`)?.shift()?.(context as MergeContext);
  }
}

export const fails = (type: FailureType, message: string = `made up ${type}`): Act => {
  return () => {
    throw new MergeError({ type, message });
  };
};

/** Runs until it is stopped, like a merge that takes hours; heartbeats some memory. */
export const hangs: Act = async ({ signal, onMemory, onProgress }) => {
  onMemory?.(123_456);
  onProgress?.({ event: 'progress', step: 'merge', filesDone: 1, filesTotal: 3, bytesDone: 10, bytesTotal: 30 });
  await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
};

/** Runs until the test lets it go. */
export function gate(): { act: Act; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { act: () => opened, open };
}

export function healthy(reasons: string[]): HealthReport {
  const figures = {
    ...{ freeMemoryBytes: 1, swapUsedPercent: 0, freeDiskBytes: 1, load1: 0, cores: 2 },
    ...{ leftovers: [], clock: '2026-01-01T00:00:00.000Z', clockStepMs: 0, command: null },
  };
  return { healthy: reasons.length === 0, reasons, figures };
}

const COUNTS = { files: 3, rows: 10, columns: 7, aligned: 3, realigned: 0, bytesIn: 30 };

export const FIGURES: MergeFigures = {
  ...COUNTS,
  bytesOut: 30,
  bytesCloned: 0,
  bytesCopied: 30,
  wallMs: 5,
  peakBytes: 1000,
  verified: 'bytes',
  alreadyMerged: false,
};
