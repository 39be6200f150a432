import { createHash } from 'node:crypto';
import { keyNamesOf } from '../contract.ts';
import { readCheckpoints, type CheckpointFile } from './discover.ts';
import type { MergeJob } from './job.ts';
import type { MergePlan } from './plan.ts';
import { RawKeys } from './keys/read-keys.ts';
import { buildSpine } from './spine.ts';

/** Reads footers and keys and says what the merge will do. Throws CheckpointInvalid; writes nothing. */
export async function planMerge(job: MergeJob, files: CheckpointFile[]): Promise<MergePlan> {
  const rawKeys = new RawKeys();
  const checkpoints = await readCheckpoints(files, job, (batch) => rawKeys.add(batch));
  rawKeys.finish();
  const built = await buildSpine(checkpoints, job.rows, job.reference, job.rowGroupRows ?? null, rawKeys.ids);
  return { id: planId(job, files), keyNames: keyNamesOf(job.key), rows: job.rows, checkpoints, ...built };
}

/** Bump when the same inputs would give other rows, columns or values: an output of another version is a stranger's. */
const LAYOUT_VERSION = 1;

/** The same files and options give the same id; where the files lie does not matter. */
function planId(job: MergeJob, files: CheckpointFile[]): string {
  const inputs = files.map(({ name, fingerprint }) => [name, fingerprint.size, fingerprint.mtimeNs]);
  const identity: unknown[] = [LAYOUT_VERSION, job.engine, job.key, job.rows, job.reference, inputs];
  // Where none is asked for the id is that of earlier versions.
  if (job.rowGroupRows !== undefined) identity.push({ rowGroupRows: job.rowGroupRows });
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32);
}

/** Bytes of the checkpoints that must be rewritten. */
export const realignedBytes = (plan: MergePlan): number =>
  plan.checkpoints.reduce((sum, { fingerprint }, i) => sum + (plan.aligned[i] ? 0 : fingerprint.size), 0);

export const inputBytes = (plan: MergePlan): number =>
  plan.checkpoints.reduce((sum, { fingerprint }) => sum + fingerprint.size, 0);

export const outputColumns = (plan: MergePlan): number =>
  plan.keyNames.length + plan.checkpoints.reduce((sum, { columns }) => sum + columns.length, 0);
