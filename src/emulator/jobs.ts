/** The proxy's own jobs: the emulator runs what they ask for, but their ids, states, errors and bills are kept here. */
import { ServiceError } from './errors.ts';
import type { ErrorResult } from './errors.ts';

export type JobKind = 'query' | 'load' | 'copy' | 'extract';

export interface JobReference {
  projectId: string;
  jobId: string;
  location: string;
}

export interface Job {
  reference: JobReference;
  kind: JobKind;
  configuration: JobConfiguration;
  state: 'RUNNING' | 'DONE';
  error: ErrorResult | null;
  /** Polls that it stays RUNNING for before it has its effect. */
  pollsLeft: number;
  cancelRequested: boolean;
  /** Resolves when the polls are over, or it is cancelled. */
  due: PromiseWithResolvers<void>;
  done: PromiseWithResolvers<void>;
  createdMs: number;
  endedMs: number | null;
  tablesRead: string[];
  bytesProcessed: number;
  bytesBilled: number;
  outputRows: number | null;
  /** The emulator's job that holds the rows of its result. */
  upstreamId: string | null;
  statementType: string | null;
}

export interface JobConfiguration {
  dryRun?: boolean;
  labels?: Record<string, string>;
  query?: object;
  load?: object;
  copy?: object;
  extract?: object;
  jobTimeoutMs?: string;
}

/** One line of the proxy's books. */
export interface BookedJob {
  projectId: string;
  location: string;
  jobId: string;
  kind: JobKind;
  labels: Record<string, string>;
  state: 'RUNNING' | 'DONE';
  /** Reason of its error; null where it went well or is running. */
  reason: string | null;
  tablesRead: string[];
  bytesProcessed: number;
  /** With the minimum of 10 MiB a table, in whole MiB; 0 where it is free or failed uncharged. */
  bytesBilled: number;
}

export class Jobs {
  private readonly jobs = new Map<string, Job>();

  /** Takes a new job's id; throws `duplicate` where it has been used in this project and location. */
  add(reference: JobReference, kind: JobKind, configuration: JobConfiguration, slowPolls: number): Job {
    const key = keyOf(reference.projectId, reference.location, reference.jobId);
    if (this.jobs.has(key)) {
      const { projectId, location, jobId } = reference;
      throw new ServiceError('duplicate', `Already Exists: Job ${projectId}:${location}.${jobId}`);
    }
    const job: Job = {
      ...{ reference, kind, configuration, state: 'RUNNING', error: null, pollsLeft: slowPolls },
      ...{ cancelRequested: false, due: Promise.withResolvers(), done: Promise.withResolvers() },
      ...{ createdMs: Date.now(), endedMs: null, tablesRead: [], bytesProcessed: 0, bytesBilled: 0 },
      ...{ outputRows: null, upstreamId: null, statementType: null },
    };
    if (slowPolls === 0) job.due.resolve();
    this.jobs.set(key, job);
    return job;
  }

  /** Without a location only jobs of the multi-regions US and EU are found, as in the service. */
  get(projectId: string, jobId: string, location: string | null): Job {
    const places = location === null ? ['US', 'EU'] : [location];
    for (const place of places) {
      const job = this.jobs.get(keyOf(projectId, place, jobId));
      if (job !== undefined) return job;
    }
    throw new ServiceError(
      'notFound',
      `Not found: Job ${projectId}:${location === null ? '' : `${location}.`}${jobId}`,
    );
  }

  list(projectId: string): Job[] {
    return [...this.jobs.values()].filter((job) => job.reference.projectId === projectId);
  }

  books(): BookedJob[] {
    return [...this.jobs.values()].map((job) => ({
      ...job.reference,
      kind: job.kind,
      labels: job.configuration.labels ?? {},
      state: job.state,
      reason: job.error?.reason ?? null,
      tablesRead: job.tablesRead,
      bytesProcessed: job.bytesProcessed,
      bytesBilled: job.bytesBilled,
    }));
  }

  /** Resolves once nothing runs any more; what waits for polls is cancelled. */
  async drain(): Promise<void> {
    for (const job of this.jobs.values()) cancelJob(job);
    await Promise.all([...this.jobs.values()].map((job) => job.done.promise));
  }
}

/** Counts a look at the job: the last that a slow job waits for lets it run. */
export function countPoll(job: Job): void {
  if (job.pollsLeft > 0 && --job.pollsLeft === 0) job.due.resolve();
}

/** Best effort, as in the service: what has begun to have its effect goes on to its end. */
export function cancelJob(job: Job): void {
  if (job.state === 'DONE') return;
  job.cancelRequested = true;
  job.due.resolve();
}

export function endJob(job: Job, error: ErrorResult | null): void {
  job.error = error;
  job.state = 'DONE';
  job.endedMs = Date.now();
  job.done.resolve();
}

/** The job as the service shows it. */
export function jobResource(job: Job): object {
  const { projectId, location, jobId } = job.reference;
  const isDone = job.state === 'DONE';
  const query = {
    totalBytesProcessed: `${job.bytesProcessed}`,
    totalBytesBilled: `${job.bytesBilled}`,
    cacheHit: false,
    ...(job.statementType === null ? {} : { statementType: job.statementType }),
  };
  const load = job.outputRows === null ? {} : { outputRows: `${job.outputRows}` };
  return {
    kind: 'bigquery#job',
    id: `${projectId}:${location}.${jobId}`,
    jobReference: job.reference,
    configuration: { jobType: job.kind.toUpperCase(), ...job.configuration },
    status: {
      state: job.state,
      ...(job.error === null ? {} : { errorResult: job.error, errors: [job.error] }),
    },
    statistics: {
      creationTime: `${job.createdMs}`,
      startTime: `${job.createdMs}`,
      ...(isDone ? { endTime: `${job.endedMs}` } : {}),
      ...(isDone && job.kind === 'query'
        ? { totalBytesProcessed: `${job.bytesProcessed}`, totalSlotMs: '1', query }
        : {}),
      ...(isDone && job.kind === 'load' ? { load } : {}),
    },
  };
}

function keyOf(projectId: string, location: string, jobId: string): string {
  return `${projectId}:${location.toUpperCase()}.${jobId}`;
}
