import { mkdir, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MergeError, type Backend, type MergeContext } from '../backends/backend.ts';
import type { FailureType } from '../contract.ts';
import type { MergeJob } from '../merge/job.ts';
import { valuesOf } from '../merge/predict/shape.ts';
import { LEAST_POINTS, spread } from './columns-range.ts';
import { openProfileFolder } from './profile-folder.ts';

/** One merge of a part of the files, as its guard saw it. */
export interface ProfilePoint {
  files: number;
  /** Of the output, the key included. */
  columns: number;
  rows: number;
  values: number;
  realigned: number;
  peakBytes: number;
  wallMs: number;
}

export interface ProfileSeries {
  points: ProfilePoint[];
  /** What a point ended with: too large for its limits, or anything else once there are enough for a curve. None were tried after it. */
  ended: { files: number; type: FailureType; message: string } | null;
}

export interface ProfileRequest {
  backend: Backend;
  /** Its source and output are replaced. */
  job: MergeJob;
  context: MergeContext;
  /** Paths of all files. */
  files: readonly string[];
  /** Files of each point, growing. */
  counts: readonly number[];
  /** Where the outputs are written, each removed before the next. */
  workDir: string;
  onPoint: (done: number, files: number) => void;
}

const LIMIT_REACHED: readonly FailureType[] = ['MemoryExhausted', 'MergeTimedOut', 'MergeStalled'];

/** How often a machine that is busy is asked whether it still is. */
const BUSY_POLL_MS = 1_000;

/**
 * Merges growing parts of the files, evenly spread over them; waits while the machine is busy with another merge. Throws MergeError, the
 * system's errors, and the signal's reason.
 */
export async function measurePoints(request: ProfileRequest): Promise<ProfileSeries> {
  await using folder = await openProfileFolder(request.workDir);
  const points: ProfilePoint[] = [];
  for (const [done, count] of request.counts.entries()) {
    request.onPoint(done, count);
    try {
      points.push(await whenFree(() => measure(request, join(folder.path, String(count)), count), request.context));
    } catch (error) {
      if (!(error instanceof MergeError)) throw error;
      const { type, message } = error.facts;
      if (!LIMIT_REACHED.includes(type) && points.length < LEAST_POINTS) throw error;
      return { points, ended: { files: count, type, message } };
    }
  }
  return { points, ended: null };
}

/** One merge at a time: an own point must not be lost to another's that came between two of them. */
async function whenFree<T>(work: () => Promise<T>, { signal, onRemark }: MergeContext): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof MergeError) || error.facts.type !== 'MachineBusy') throw error;
      if (tries === 0) onRemark?.(`waiting: ${error.message}`);
    }
    await sleep(BUSY_POLL_MS, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
      throw signal?.reason ?? error;
    });
  }
}

async function measure(
  { backend, job, context, files }: ProfileRequest,
  folder: string,
  count: number,
): Promise<ProfilePoint> {
  const source = join(folder, 'files');
  const out = join(folder, 'out');
  await mkdir(source, { recursive: true });
  await mkdir(out);
  for (const path of spread(files, count)) await symlink(path, join(source, basename(path)));
  try {
    const output = { path: join(out, 'merged.parquet'), replace: false };
    const figures = await backend.merge({ ...job, source: { ...job.source, dir: source }, output }, context);
    const { columns, rows, realigned, peakBytes, wallMs } = figures;
    return { files: count, columns, rows, values: valuesOf(figures), realigned, peakBytes, wallMs };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
