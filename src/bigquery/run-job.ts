/**
 * One logical step of a pair as a job of the service, paid once: ids are deterministic, a lost answer is asked for under
 * the same id, and what has been submitted before is attached to. No memory of its own is needed: whoever comes after a
 * crash walks the same epochs and finds the same jobs.
 */
import type { BigQuery, Job, JobMetadata } from '@google-cloud/bigquery';
import { BigQueryError } from './error-reasons.ts';
import { jobId, type JobIdentity } from './job-id.ts';
import { hurried, patiently, pause, unlessMissing, type Pace, type Patience, type Waiting } from './patiently.ts';
import { Tries } from './tries.ts';

export type { Pace } from './patiently.ts';

export interface JobRequest {
  identity: JobIdentity;
  /** Of the job's first id; an operator's retry and a pivot back raise it. */
  firstEpoch: number;
  /** First epochs of the rounds before it: their jobs are settled, and one that has ended well, or will, is the answer. */
  earlier?: readonly number[];
  /** Submits the job under this id, in the identity's location: a query, a load, an upload. */
  insert: (id: string, waiting: Waiting) => Promise<unknown>;
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
  const found = await findEarlier(client, request, hooks);
  if (found !== null) return found;
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

/** Settles the jobs of earlier rounds, and waits for one that still runs; returns the latest that has ended well, or null. */
async function findEarlier(client: BigQuery, request: JobRequest, hooks: JobHooks): Promise<FinishedJob | null> {
  const { identity, earlier = [] } = request;
  let found: FinishedJob | null = null;
  for (const first of earlier)
    for (let epoch = first; ; epoch++) {
      hooks.signal?.throwIfAborted();
      const id = jobId(identity, epoch);
      const job = client.job(id, { location: identity.location });
      if (!(await exists(job, identity, hooks))) break;
      const { metadata } = await untilDone(job, id, request, hooks);
      const bill = billOf(metadata);
      await hooks.settle(id, bill);
      if (!metadata.status?.errorResult) found = { id, epoch, ...bill, metadata };
    }
  hooks.signal?.throwIfAborted();
  return found;
}

/** Settles what is known of the step's jobs, and submits none: for a step whose result is there, whoever has paid it. */
export async function settleKnownJobs(
  client: BigQuery,
  { identity, firstEpoch, earlier = [] }: Pick<JobRequest, 'identity' | 'firstEpoch' | 'earlier'>,
  hooks: Pick<JobHooks, 'settle' | 'signal' | 'pace'>,
): Promise<void> {
  for (const first of [...earlier, firstEpoch])
    for (let epoch = first; ; epoch++) {
      const id = jobId(identity, epoch);
      const job = client.job(id, { location: identity.location });
      const answer = await unlessMissing(`find ${identity.step}`, hooks, () => job.getMetadata());
      if (answer === null) break;
      const metadata = answer[0] as JobMetadata;
      if (metadata.status?.state === 'DONE') await hooks.settle(id, billOf(metadata));
    }
}

/**
 * Submits the job, or finds the one that has this id. Only where every try was certainly refused, and no job has the id,
 * it has cost nothing, and says so to the books; else the reservation stays until somebody finds the job.
 */
async function submit(
  client: BigQuery,
  id: string,
  request: JobRequest,
  hooks: JobHooks,
): Promise<{ job: Job; isFound: boolean }> {
  const { identity, insert } = request;
  const job = client.job(id, { location: identity.location });
  const tries = new Tries((waiting) => insert(id, waiting));
  try {
    return { job, isFound: await patiently(`submit ${identity.step}`, hooks, tries.ask) };
  } catch (error) {
    const { signal } = hooks;
    if (signal?.aborted ? hooks.leavesJobs?.() : error instanceof BigQueryError && error.remedy === 'again')
      throw error;
    // A try before the last, or an attempt before this one, may have made it: then it is found, or cancelled and paid.
    const patience = signal?.aborted ? hurried(hooks) : hooks;
    if (signal?.aborted) await tries.settled(patience);
    const isThere = await exists(job, identity, patience).catch(() => null);
    if (isThere) return { job, isFound: true };
    if (isThere === false && tries.undecided === 0) await hooks.settle(id, FREE);
    throw error;
  }
}

const FREE: JobBill = { bytesBilled: 0, slotMs: 0 };

async function exists(job: Job, { step }: JobIdentity, patience: Patience): Promise<boolean> {
  return (await unlessMissing(`find ${step}`, patience, () => job.getMetadata())) !== null;
}

/**
 * Looks until the job is done; an abort cancels it first, and waits for its end all the same: it may have cost something.
 * Where that cannot be had any more the signal's reason is thrown, and the reservation stays.
 */
async function untilDone(
  job: Job,
  id: string,
  { identity }: Pick<JobRequest, 'identity'>,
  hooks: JobHooks,
): Promise<{ metadata: JobMetadata; wasDone: boolean }> {
  const { signal } = hooks;
  let isCancelled = false;
  for (let look = 0; ; look++) {
    const patience = signal?.aborted ? hurried(hooks) : hooks;
    try {
      const answer = await patiently(`look at ${identity.step}`, patience, () => job.getMetadata());
      const metadata = answer[0] as JobMetadata;
      const state = metadata.status?.state ?? 'PENDING';
      hooks.onState?.({ id, state, slotMs: billOf(metadata).slotMs });
      if (state === 'DONE') return { metadata, wasDone: look === 0 };
      if (signal?.aborted && !isCancelled && !hooks.leavesJobs?.()) {
        const last = hurried(hooks);
        await patiently(`cancel ${identity.step}`, last, () => job.cancel());
        isCancelled = true;
      }
      await pause(isCancelled ? hurried(hooks) : hooks, look);
    } catch (error) {
      if (!signal?.aborted) throw error;
      // Met while it looked or waited: it is looked at once more, and cancelled, unless that has just failed.
      if (patience.signal === undefined || hooks.leavesJobs?.()) throw signal.reason;
    }
  }
}

function billOf({ statistics }: JobMetadata): JobBill {
  // Load jobs are free and have no figure.
  const bytesBilled = Number(statistics?.query?.totalBytesBilled ?? 0);
  return { bytesBilled, slotMs: Number(statistics?.totalSlotMs ?? 0) };
}
