import { GRACE_MS, KILL_SHARE, MEMORY_SHARE } from '../config/rules.ts';
import { join } from 'node:path';
import type { BackendName } from '../contract.ts';
import type { RunConfig } from '../payloads.ts';
import type { GuardLimits } from '../guard/command.ts';
import type { MergeJob, MergeStep } from '../merge/job.ts';

export interface PairTask {
  config: RunConfig;
  pair: string;
}

/** `backend` is the one that merges, or has merged, the pair. */
export interface OutputTask extends PairTask {
  backend: BackendName;
}

export interface MergeTask extends OutputTask {
  /** Attempts on disk count only within their round. */
  round: number;
}

/** A step of a pair on BigQuery. */
export interface CloudTask extends PairTask {
  /** The run's label, minted once: ids of jobs and lines of the budget carry it. */
  run: string;
  /** Operator's retries so far: failed jobs of an earlier round are not taken up again. */
  round: number;
  /** Attempts on disk count only within it: of this run and round. */
  journalRound: number;
}

/** Publishing and verifying need to know it, too: what is promised of an output's bytes depends on it. */
const ENGINES = {
  ...{ local: 'stitch', duckdb: 'duckdb', bigquery: 'bigquery' },
  ...{ polars: 'polars', dask: 'dask', pandas: 'pandas', command: 'command' },
} as const satisfies Record<BackendName, MergeJob['engine']>;

export function outputPath({ config, pair }: PairTask): string {
  return join(config.output, `${pair}.parquet`);
}

export function checkpointsDir({ config, pair }: PairTask): string {
  return join(config.root, pair);
}

export function mergeJob(task: PairTask | OutputTask, steps: MergeStep[], totalMemoryBytes: number): MergeJob {
  const { config } = task;
  return {
    steps,
    source: {
      dir: checkpointsDir(task),
      root: config.root,
      pattern: config.checkpoints.pattern,
      expected: config.checkpoints.expected,
    },
    output: { path: outputPath(task), replace: config.replace },
    ...(isLeftElsewhere(task) && { elsewhere: true }),
    key: config.key,
    rows: config.rows,
    reference: config.reference,
    ...(config.rowGroupRows !== undefined && { rowGroupRows: config.rowGroupRows }),
    engine: 'backend' in task ? ENGINES[task.backend] : 'stitch',
    ...(config.command !== undefined && { command: config.command }),
    verify: config.verify,
    clean: config.clean,
    recheckPublished: config.clean !== 'keep',
    memoryBytes: guardLimits(config, totalMemoryBytes).memoryBytes,
  };
}

/** As far as is known: an operator may have pivoted to a backend that makes a file all the same. */
function isLeftElsewhere(task: PairTask | OutputTask): boolean {
  return task.config.bigquery?.output === 'tables' && (!('backend' in task) || task.backend === 'bigquery');
}

/** The configured limits, lowered to what this machine has. */
export function guardLimits({ limits }: RunConfig, totalMemoryBytes: number): GuardLimits {
  return {
    memoryBytes: Math.min(limits.memoryBytes, Math.floor(MEMORY_SHARE * totalMemoryBytes)),
    killAboveBytes: Math.min(limits.killAboveBytes, Math.floor(KILL_SHARE * totalMemoryBytes)),
    timeoutMs: limits.timeoutMs,
    stallMs: limits.stallMs,
    graceMs: GRACE_MS,
  };
}
