/**
 * One logical step of a pair as a job of the service, paid once: ids are deterministic, a lost answer is asked for under
 * the same id, and what has been submitted before is attached to. No memory of its own is needed: whoever comes after a
 * crash walks the same epochs and finds the same jobs.
 */
import type { BigQuery, Job, JobMetadata } from '@google-cloud/bigquery';
import { BigQueryError } from './error-reasons.ts';
import { jobId, type JobIdentity } from './job-id.ts';
import { patiently, pause, unlessMissing, type Pace } from './patiently.ts';

export type { Pace } from './patiently.ts';

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
  /** Asked of an abort: true where the job is to go on, unsettled, for whoever comes next (a worker that shuts down). */
  leavesJobs?: () => boolean;
  /** Wait before the next look or try; doubles up to `longestMs`. */
  pace?: Pace;
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

/** Jobs that fail by the service's own trouble, one after the other. */
const EPOCHS = 4;

/** Throws BigQueryError, what `reserve` throws, and the signal's reason. */
export async function runJob(client: BigQuery, request: JobRequest, hooks: JobHooks): Promise<FinishedJob> {
  const { identity, firstEpoch } = request;
  let failures = 0;
  for (let epoch = firstEpoch; ; epoch++) {
    hooks.signal?.throwIfAborted();
    const id = jobId(identity, epoch);
    await hooks.reserve(id);
    const { job, isFound } = await submit(client, id, request, hooks);
    const { metadata, wasDone } = await untilDone(job, id, request, hooks);
    const bill = billOf(metadata);
    await hooks.settle(id, bill);
    hooks.signal?.throwIfAborted();
    const failed = metadata.status?.errorResult;
    if (!failed) return { id, epoch, ...bill, metadata };
    const error = new BigQueryError(`job ${id} (${identity.step})`, failed.reason ?? 'unknown', failed.message ?? '');
    // What failed (or was cancelled) before this call is no answer to it, unless the same would come of it again.
    if (isFound && wasDone && error.remedy !== 'narrower') continue;
    if (error.remedy !== 'again' || ++failures >= EPOCHS) throw error;
    await pause(hooks, failures - 1);
  }
}

/**
 * Settles what is known of the step's jobs, and submits none: for a step whose result is there, whoever has paid it.
 * Returns the bill of all of them, and how many have cost something.
 */
export async function settleKnownJobs(
  client: BigQuery,
  { identity, firstEpoch }: Pick<JobRequest, 'identity' | 'firstEpoch'>,
  hooks: Pick<JobHooks, 'settle' | 'signal' | 'pace'>,
): Promise<JobBill & { paid: number }> {
  const sum = { bytesBilled: 0, slotMs: 0, paid: 0 };
  for (let epoch = firstEpoch; ; epoch++) {
    const id = jobId(identity, epoch);
    const job = client.job(id, { location: identity.location });
    const answer = await unlessMissing(`find ${identity.step}`, hooks, () => job.getMetadata());
    if (answer === null) return sum;
    const metadata = answer[0] as JobMetadata;
    if (metadata.status?.state !== 'DONE') continue;
    const bill = billOf(metadata);
    await hooks.settle(id, bill);
    sum.bytesBilled += bill.bytesBilled;
    sum.slotMs += bill.slotMs;
    if (bill.bytesBilled > 0) sum.paid++;
  }
}

/**
 * Submits the job, or finds the one that has this id. A request that was certainly refused has cost nothing, and says so
 * to the books; where an answer was lost the reservation stays until somebody finds the job.
 */
async function submit(
  client: BigQuery,
  id: string,
  request: JobRequest,
  hooks: JobHooks,
): Promise<{ job: Job; isFound: boolean }> {
  const { identity, insert } = request;
  const job = client.job(id, { location: identity.location });
  let isFound = false;
  try {
    isFound = await patiently(`submit ${identity.step}`, hooks, () => insert(id).then(() => false, wasSubmitted));
  } catch (error) {
    const isUncertain = hooks.signal?.aborted || (error instanceof BigQueryError && error.remedy === 'again');
    if (!isUncertain) await hooks.settle(id, FREE);
    if (!hooks.signal?.aborted || hooks.leavesJobs?.()) throw error;
    // Aborted between two tries: what the last of them has made must be cancelled and paid.
    if (!(await exists(job, identity, hooks))) {
      await hooks.settle(id, FREE);
      throw error;
    }
  }
  return { job, isFound };
}

const FREE: JobBill = { bytesBilled: 0, slotMs: 0 };

/** True: submitted before (by a lost answer, an attempt that crashed, another worker); false: ended with an error at once. */
function wasSubmitted(error: unknown): boolean {
  const { code, response } = error as { code?: unknown; response?: { jobReference?: object } };
  if (Number(code) === 409) return true;
  if (response?.jobReference === undefined) throw error;
  return false;
}

async function exists(job: Job, { step }: JobIdentity, { pace }: JobHooks): Promise<boolean> {
  return (await unlessMissing(`find ${step}`, pace ? { pace } : {}, () => job.getMetadata())) !== null;
}

/** Looks until the job is done; an abort cancels it first, and waits for its end all the same: it may have cost something. */
async function untilDone(
  job: Job,
  id: string,
  { identity }: JobRequest,
  hooks: JobHooks,
): Promise<{ metadata: JobMetadata; wasDone: boolean }> {
  // An aborted signal ends every wait at once: what comes after it is asked without it.
  const { signal, pace } = hooks;
  const unhurried = pace ? { pace } : {};
  let isCancelled = false;
  for (let look = 0; ; look++) {
    const answer = await patiently(`look at ${identity.step}`, unhurried, () => job.getMetadata());
    const metadata = answer[0] as JobMetadata;
    const state = metadata.status?.state ?? 'PENDING';
    hooks.onState?.({ id, state, slotMs: billOf(metadata).slotMs });
    if (state === 'DONE') return { metadata, wasDone: look === 0 };
    if (signal?.aborted && hooks.leavesJobs?.()) throw signal.reason;
    if (signal?.aborted && !isCancelled) {
      await patiently(`cancel ${identity.step}`, unhurried, () => job.cancel());
      isCancelled = true;
    }
    await pause(isCancelled ? unhurried : hooks, look).catch((error: unknown) => {
      if (!signal?.aborted) throw error;
    });
  }
}

function billOf({ statistics }: JobMetadata): JobBill {
  // Load jobs are free and have no figure.
  const bytesBilled = Number(statistics?.query?.totalBytesBilled ?? 0);
  return { bytesBilled, slotMs: Number(statistics?.totalSlotMs ?? 0) };
}
