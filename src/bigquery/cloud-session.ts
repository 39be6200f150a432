/** What the steps of one pair on BigQuery share: the client, the patience, the identity of its jobs. */
import type { BigQuery, Dataset } from '@google-cloud/bigquery';
import { openClient } from './client.ts';
import type { JobIdentity } from './job-id.ts';
import type { Pace, Patience } from './patiently.ts';
import type { Purse } from './purse.ts';
import type { JobHooks } from './run-job.ts';
import type { CloudRequest } from './staging-tables.ts';

export interface CloudProgress {
  step: string;
  /** Tables, or columns. */
  done: number;
  total: number;
  bytesDone: number;
  bytesTotal: number;
  slotMs?: number;
  bytesBilled?: number;
}

export interface CloudHooks {
  purse: Purse;
  /** Aborted: running jobs are cancelled and settled, and its reason is thrown. */
  signal?: AbortSignal;
  /** Asked of an abort: true where running jobs are to go on, since the next attempt finds them (a worker that shuts down). */
  leavesJobs?: () => boolean;
  onProgress?: (progress: CloudProgress) => void;
  pace?: Pace;
}

export interface CloudSession {
  request: CloudRequest;
  hooks: CloudHooks;
  client: BigQuery;
  dataset: Dataset;
  patience: Patience;
  /** Of all jobs: the patience, and what becomes of them. */
  jobHooks: Pick<JobHooks, 'signal' | 'pace' | 'leavesJobs'>;
}

/** Ids of an operator's round: what failed in an earlier one is not attached to. */
const EPOCHS_A_ROUND = 1000;

export function openSession(request: CloudRequest, hooks: CloudHooks): CloudSession {
  const { project, location, dataset } = request.config;
  const client = openClient({ project, location });
  const { signal, pace, leavesJobs } = hooks;
  const patience = { ...(signal && { signal }), ...(pace && { pace }) };
  return {
    request,
    hooks,
    client,
    dataset: client.dataset(dataset, { location }),
    patience,
    jobHooks: { ...patience, ...(leavesJobs && { leavesJobs }) },
  };
}

export const identityOf = ({ run, pair, config }: CloudRequest, step: string, content: string): JobIdentity => ({
  run,
  pair,
  step,
  content,
  location: config.location,
});

export const firstEpochOf = ({ round }: Pick<CloudRequest, 'round'>): number => round * EPOCHS_A_ROUND;

/** The same of the rounds before this one. */
export const earlierEpochsOf = ({ round }: CloudRequest): number[] =>
  Array.from({ length: round }, (_, earlier) => firstEpochOf({ round: earlier }));
