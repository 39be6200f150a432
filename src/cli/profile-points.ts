import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MergeError, type Backend, type MergeContext } from '../backends/backend.ts';
import type { FailureType } from '../contract.ts';
import type { MergeJob } from '../merge/job.ts';
import { valuesOf } from '../merge/predict/shape.ts';
import { spread } from './columns-range.ts';

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
  /** What a point ended with that was too large for its limits; none were tried after it. */
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

/** Merges growing parts of the files, evenly spread over them. Throws MergeError, the system's errors, and the signal's reason. */
export async function measurePoints(request: ProfileRequest): Promise<ProfileSeries> {
  const folder = await mkdtemp(join(request.workDir, 'widemerge-profile-'));
  const points: ProfilePoint[] = [];
  try {
    for (const [done, count] of request.counts.entries()) {
      request.onPoint(done, count);
      try {
        points.push(await measure(request, join(folder, String(count)), count));
      } catch (error) {
        if (!(error instanceof MergeError) || !LIMIT_REACHED.includes(error.facts.type)) throw error;
        return { points, ended: { files: count, type: error.facts.type, message: error.message } };
      }
    }
    return { points, ended: null };
  } finally {
    await rm(folder, { recursive: true, force: true });
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
