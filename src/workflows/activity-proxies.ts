import type { ActivityInterfaceFor, ActivityOptions } from '@temporalio/workflow';
import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { RunConfig } from '../payloads.ts';
import { hostQueue, TASK_QUEUES } from '../contract.ts';
import type { Tuning } from './inputs.ts';

/** Infrastructure (a lost worker, a server that is away) is retried without end; typed failures are not retryable. */
const RETRY = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;

/** Three missed reports of the worker's 2 s throttle are no evidence on a machine under load; half a minute is. */
const HEARTBEAT_TIMEOUT = '30s';

/** Activities that only look at the machine or at folders, on the pipeline's own queue or that of the run's host. */
export function lightActivities({ host }: Pick<RunConfig, 'host'>): ActivityInterfaceFor<Activities> {
  const { taskQueue } = workflowInfo();
  const bound = host === undefined ? {} : { taskQueue: hostQueue(taskQueue, host) };
  return proxyActivities<Activities>({ startToCloseTimeout: '1m', retry: RETRY, ...bound });
}

/** A few tries of the operator's command, which has its own timeout: a message that comes much later is of no use. */
export function notifyActivities({ host, notify }: RunConfig): ActivityInterfaceFor<Activities> {
  const { taskQueue } = workflowInfo();
  return proxyActivities<Activities>({
    startToCloseTimeout: (notify?.timeoutMs ?? 0) + 10_000,
    scheduleToCloseTimeout: '5m',
    retry: { initialInterval: '1s', maximumAttempts: 3 },
    ...(host !== undefined && { taskQueue: hostQueue(taskQueue, host) }),
  });
}

/** What needs the machine's merge lock. The guard's timeout ends a merge; Temporal's is far above it and types nothing. */
export function localActivities(config: RunConfig, heartbeatTimeoutMs?: number): ActivityInterfaceFor<Activities> {
  return proxyActivities<Activities>(localOptions(config, heartbeatTimeoutMs));
}

/** A query may run for six hours, and be tried again by the service. */
const LONGEST_CLOUD_STEP = '24h';

/** The steps on BigQuery: one that is stopped ends its jobs, and their bills are known, before the pair goes on. */
export function cloudActivities(
  { host }: Pick<RunConfig, 'host'>,
  heartbeatTimeoutMs?: number,
): ActivityInterfaceFor<Activities> {
  return proxyActivities<Activities>(cloudOptions(host, heartbeatTimeoutMs));
}

/** A query that is cancelled ends within seconds. Where no worker takes the step, an operator's skip must not hang. */
const LONGEST_ENDING = '10m';

/** For the end of a pair's jobs, which somebody waits for: given up after a while, whatever the reason. */
export function endingActivities(
  { host }: Pick<RunConfig, 'host'>,
  tuning: Pick<Tuning, 'heartbeatTimeoutMs' | 'endJobsMs'> = {},
): ActivityInterfaceFor<Activities> {
  return proxyActivities<Activities>({
    ...cloudOptions(host, tuning.heartbeatTimeoutMs),
    scheduleToCloseTimeout: tuning.endJobsMs ?? LONGEST_ENDING,
  });
}

function cloudOptions(host: string | undefined, heartbeatTimeoutMs: number | undefined): ActivityOptions {
  return {
    taskQueue: siblingQueue(TASK_QUEUES.bigquery, host),
    startToCloseTimeout: LONGEST_CLOUD_STEP,
    heartbeatTimeout: heartbeatTimeoutMs ?? HEARTBEAT_TIMEOUT,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: RETRY,
  };
}

function localOptions(config: RunConfig, heartbeatTimeoutMs: number | undefined): ActivityOptions {
  return {
    taskQueue: siblingQueue(TASK_QUEUES.local, config.host),
    startToCloseTimeout: 2 * config.limits.timeoutMs + 3_600_000,
    heartbeatTimeout: heartbeatTimeoutMs ?? HEARTBEAT_TIMEOUT,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: RETRY,
  };
}

/**
 * The same, and an operator who stops it is not kept waiting: what comes next meets a cleaning that is still on as
 * MachineBusy. Histories rely on this, too: a cancelled cleaning ends at once in them.
 */
export function cleanActivities(config: RunConfig, heartbeatTimeoutMs?: number): ActivityInterfaceFor<Activities> {
  return proxyActivities<Activities>({ ...localOptions(config, heartbeatTimeoutMs), cancellationType: 'TRY_CANCEL' });
}

/** A suffix of the pipeline's queue (tests have one) belongs to the others, too. */
function siblingQueue(name: string, host: string | undefined): string {
  const { taskQueue } = workflowInfo();
  const suffix = taskQueue.startsWith(TASK_QUEUES.pipeline) ? taskQueue.slice(TASK_QUEUES.pipeline.length) : '';
  return host === undefined ? name + suffix : hostQueue(name + suffix, host);
}
