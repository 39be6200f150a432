import { hostname } from 'node:os';
import { Client } from '@temporalio/client';
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import type { ActivityDependencies } from '../activities/dependencies.ts';
import { createActivities } from '../activities/index.ts';
import type { BudgetBooks } from '../backends/bigquery-purse.ts';
import { openBooks } from '../client/spend.ts';
import { hostQueue, TASK_QUEUES } from '../contract.ts';
import { machineDependencies } from './dependencies.ts';
import { registerSearchAttributes } from './search-attributes.ts';
import { workflowCode } from './workflow-code.ts';

export interface RunWorkersOptions {
  connection: NativeConnection;
  namespace: string;
  log: (line: string) => void;
  /** Its abort drains the workers. */
  signal: AbortSignal;
  /** This host's name: activities are served for the runs that are bound to it, and for no others. */
  host?: string;
  /** Appended to the names of the task queues, for tests that share a server. */
  taskQueueSuffix?: string;
  /** How long running activities may go on after the signal, milliseconds; 10 s by default. */
  shutdownGraceMs?: number;
  /** Other dependencies than this machine's, for tests. */
  dependencies?: (searchAttributesReady: boolean, books: BudgetBooks) => ActivityDependencies;
  /** Other workflow code than this project's, for tests. */
  workflows?: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>;
}

const SHUTDOWN_GRACE_MS = 10_000;
/** After the grace a merge is cancelled: its guard gives it 5 s for SIGTERM, then kills; the rest is for the reports. */
const SHUTDOWN_FORCE_MS = 30_000;

/** More than a run has on BigQuery side by side: which pairs are there is its workflow's to say. */
const BIGQUERY_SLOTS = 20;
const LIGHT_SLOTS = 20;

/**
 * Runs the worker of the pipeline (workflows and light activities), that of the local merges (one slot: one merge at
 * a time) and that of BigQuery's jobs in this process, until the signal. Resolves when all have drained; rejects when one
 * of them failed.
 */
export async function runWorkers(options: RunWorkersOptions): Promise<void> {
  const { connection, namespace, log, signal, host, taskQueueSuffix = '' } = options;
  const ready = await registerSearchAttributes(connection, namespace, log);
  const books = openBooks(new Client({ connection, namespace }), { taskQueueSuffix, log });
  const activities = createActivities((options.dependencies ?? machineDependencies)(ready, books));
  const graceMs = options.shutdownGraceMs ?? SHUTDOWN_GRACE_MS;
  const queue = (name: string): string =>
    host === undefined ? name + taskQueueSuffix : hostQueue(name + taskQueueSuffix, host);
  const common = {
    connection,
    namespace,
    identity: `${process.pid}@${hostname()}`,
    shutdownGraceTime: graceMs,
    shutdownForceTime: graceMs + SHUTDOWN_FORCE_MS,
    // `status` shows what the heartbeats carry; the default is 0.8 of their timeout.
    maxHeartbeatThrottleInterval: '2s',
    defaultHeartbeatThrottleInterval: '2s',
  } as const;
  const light = { activities, maxConcurrentActivityTaskExecutions: LIGHT_SLOTS };
  const pipeline = await Worker.create({
    ...common,
    // Workflows run anywhere; what touches files runs where they are.
    ...(host === undefined && light),
    ...(options.workflows ?? workflowCode()),
    taskQueue: TASK_QUEUES.pipeline + taskQueueSuffix,
    maxCachedWorkflows: 100,
  });
  const local = await Worker.create({
    ...common,
    activities,
    taskQueue: queue(TASK_QUEUES.local),
    maxConcurrentActivityTaskExecutions: 1,
  });
  const bigquery = await Worker.create({
    ...common,
    activities,
    taskQueue: queue(TASK_QUEUES.bigquery),
    maxConcurrentActivityTaskExecutions: BIGQUERY_SLOTS,
  });
  const bound =
    host === undefined ? [] : [await Worker.create({ ...common, ...light, taskQueue: queue(TASK_QUEUES.pipeline) })];
  const workers = [pipeline, local, bigquery, ...bound];
  log(`worker ${common.identity} serves ${workers.map((worker) => worker.options.taskQueue).join(', ')}`);

  const end = (worker: Worker): void => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const others = [local, bigquery, ...bound];
  const spending = others.map((worker) => worker.run());
  // One worker alone would let runs hang without a word: they end together. That of the workflows last: the budget's takes
  // the bills of what is cancelled.
  const stop = (): void => {
    for (const worker of others) end(worker);
    void Promise.allSettled(spending).then(() => end(pipeline));
  };
  signal.addEventListener('abort', stop, { once: true });
  const runs = [pipeline.run(), ...spending].map((run) => run.finally(stop));
  if (signal.aborted) stop();
  try {
    await Promise.all(runs);
  } finally {
    await Promise.allSettled(runs);
    signal.removeEventListener('abort', stop);
  }
}
