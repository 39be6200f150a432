/**
 * One logical step of a pair as a job of the service, paid once: ids are deterministic, a lost answer is asked for under
 * the same id, and what has been submitted before is attached to. No memory of its own is needed: whoever comes after a
 * crash walks the same epochs and finds the same jobs.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { BigQuery, Job, JobMetadata } from '@google-cloud/bigquery';
import { BigQueryError, reasonOf, treatmentOf } from './error-reasons.ts';
import { jobId, type JobIdentity } from './job-id.ts';

export interface JobRequest {
  identity: JobIdentity;
  /** Of the job's first id; an operator's retry and a pivot back raise it. */
  firstEpoch: number;
  /** Submits the job under this id, in the identity's location: a query, a load, an upload. */
  insert: (id: string) => Promise<unknown>;
}

export interface JobHooks {
  /**
   * Called with each id before it is submitted, and again by whoever comes after a crash: records the id and sets
   * aside what the job may cost. What it throws ends the step before anything is submitted.
   */
  reserve: (id: string) => Promise<void>;
  /** Called once the job has ended, well or not, with what it was billed: 0 for one that has cost nothing. */
  settle: (id: string, billed: JobBill) => Promise<void>;
  onState?: (state: JobState) => void;
  /** Aborted: the job is cancelled, its bill settled, and the signal's reason thrown. */
  signal?: AbortSignal;
  /** Wait before the next look or try; doubles up to `longestMs`. */
  pace?: Pace;
}

export interface Pace {
  firstMs: number;
  longestMs: number;
}

export interface JobBill {
  bytesBilled: number;
  /** Slot time, milliseconds: what counts with capacity pricing. */
  slotMs: number;
}

export interface JobState {
  id: string;
  /** PENDING, RUNNING, DONE. */
  state: string;
  slotMs: number;
}

export interface FinishedJob extends JobBill {
  id: string;
  epoch: number;
  metadata: JobMetadata;
}

const PACE: Pace = { firstMs: 500, longestMs: 10_000 };
/** Requests that meet the service's own trouble, one after the other. */
const TRIES = 8;
/** Jobs that fail by the service's own trouble, one after the other. */
const EPOCHS = 4;

/** Throws BigQueryError, what `reserve` throws, and the signal's reason. */
export async function runJob(client: BigQuery, request: JobRequest, hooks: JobHooks): Promise<FinishedJob> {
  const { identity, firstEpoch } = request;
  for (let epoch = firstEpoch; ; epoch++) {
    hooks.signal?.throwIfAborted();
    const id = jobId(identity, epoch);
    await hooks.reserve(id);
    const job = await submit(client, id, request, hooks);
    const metadata = await untilDone(job, id, request, hooks);
    const bill = billOf(metadata);
    await hooks.settle(id, bill);
    hooks.signal?.throwIfAborted();
    const failed = metadata.status?.errorResult;
    if (!failed) return { id, epoch, ...bill, metadata };
    const error = new BigQueryError(`job ${id} (${identity.step})`, failed.reason ?? 'unknown', failed.message ?? '');
    if (error.remedy !== 'again' || epoch + 1 >= firstEpoch + EPOCHS) throw error;
    await pause(hooks, epoch - firstEpoch);
  }
}

/**
 * Submits the job, or finds the one that has this id. A request that was certainly refused has cost nothing, and says so
 * to the books; where an answer was lost the reservation stays until somebody finds the job.
 */
async function submit(client: BigQuery, id: string, request: JobRequest, hooks: JobHooks): Promise<Job> {
  const { identity, insert } = request;
  const job = client.job(id, { location: identity.location });
  try {
    await patiently(`submit ${identity.step}`, hooks, () => insert(id).catch(unlessSubmitted));
  } catch (error) {
    const isUncertain = hooks.signal?.aborted || (error instanceof BigQueryError && error.remedy === 'again');
    if (!isUncertain) await hooks.settle(id, FREE);
    if (!hooks.signal?.aborted) throw error;
    // Aborted between two tries: what the last of them has made must be cancelled and paid.
    if (!(await exists(job, identity, hooks))) {
      await hooks.settle(id, FREE);
      throw error;
    }
  }
  return job;
}

const FREE: JobBill = { bytesBilled: 0, slotMs: 0 };

/** Submitted before (by a lost answer, an attempt that crashed, another worker), or ended with an error at once. */
function unlessSubmitted(error: unknown): void {
  const { code, response } = error as { code?: unknown; response?: { jobReference?: object } };
  if (Number(code) !== 409 && response?.jobReference === undefined) throw error;
}

async function exists(job: Job, { step }: JobIdentity, { pace }: JobHooks): Promise<boolean> {
  return patiently(`find ${step}`, pace ? { pace } : {}, () => job.getMetadata()).then(
    () => true,
    (error: unknown) => {
      if (error instanceof BigQueryError && error.reason === 'notFound') return false;
      throw error;
    },
  );
}

/** Looks until the job is done; an abort cancels it first, and waits for its end all the same: it may have cost something. */
async function untilDone(job: Job, id: string, { identity }: JobRequest, hooks: JobHooks): Promise<JobMetadata> {
  // An aborted signal ends every wait at once: what comes after it is asked without it.
  const { signal, pace } = hooks;
  const unhurried = pace ? { pace } : {};
  let isCancelled = false;
  for (let look = 0; ; look++) {
    const answer = await patiently(`look at ${identity.step}`, unhurried, () => job.getMetadata());
    const metadata = answer[0] as JobMetadata;
    const state = metadata.status?.state ?? 'PENDING';
    hooks.onState?.({ id, state, slotMs: billOf(metadata).slotMs });
    if (state === 'DONE') return metadata;
    if (signal?.aborted && !isCancelled) {
      await patiently(`cancel ${identity.step}`, unhurried, () => job.cancel());
      isCancelled = true;
    }
    await pause(isCancelled ? unhurried : hooks, look).catch((error: unknown) => {
      if (!signal?.aborted) throw error;
    });
  }
}

/** Repeats a request for as long as the service is in trouble of its own, a few times. */
async function patiently<T>(what: string, hooks: Pick<JobHooks, 'signal' | 'pace'>, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    hooks.signal?.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === null) throw error;
      if (treatmentOf(reason).remedy !== 'again' || attempt + 1 >= TRIES)
        throw new BigQueryError(what, reason, (error as Error).message, { cause: error });
      await pause(hooks, attempt);
    }
  }
}

async function pause({ signal, pace = PACE }: Pick<JobHooks, 'signal' | 'pace'>, round: number): Promise<void> {
  const ms = Math.min(pace.firstMs * 2 ** round, pace.longestMs);
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  signal?.throwIfAborted();
}

function billOf({ statistics }: JobMetadata): JobBill {
  // Load jobs are free and have no figure.
  const bytesBilled = Number(statistics?.query?.totalBytesBilled ?? 0);
  return { bytesBilled, slotMs: Number(statistics?.totalSlotMs ?? 0) };
}
