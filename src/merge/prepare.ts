/**
 * The step `prepare`: lays a pair ready for a backend that merges elsewhere (see staging.ts). `staging.json` is written
 * last and durably: where it is, all that it names is on disk. Done again, it keeps what is there and still right.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { MergeFailure, unfitEngine } from './errors.ts';
import { assertUnchanged } from './fingerprint.ts';
import { hashFile } from './hash-file.ts';
import type { Prepared } from './job.ts';
import { formatNames } from './keys/key-tuples.ts';
import type { MergePlan } from './plan.ts';
import { outputKeyColumns } from './keys/output-key.ts';
import { describeType } from './parquet/logical.ts';
import { outputColumns } from './plan-merge.ts';
import { viewOf, type View } from './stage-checkpoint.ts';
import { isSpineWhole, stageSpine } from './stage-spine.ts';
import { readStaging, stagingFolder, stagingPath, type Staging } from './staging.ts';
import { syncFolder } from './system/sync-folder.ts';
import { writeDurably } from './system/write-durably.ts';

export interface PrepareRequest {
  plan: MergePlan;
  /** Made where it is missing. */
  workspace: string;
  /** Of the whole process. */
  memoryBytes: number;
  signal: AbortSignal | undefined;
  onProgress: (bytesDone: number, bytesTotal: number, filesDone: number, filesTotal: number) => void;
}

/**
 * Reads every checkpoint once, for the hash of its view. Throws MergeFailure EngineUnfit for what cannot be sent,
 * InputChanged, MemoryExhausted, DiskFull, and the signal's reason. Memory: the footers' and that of the keys.
 */
export async function prepareStaging(request: PrepareRequest): Promise<Prepared> {
  const { plan, workspace, memoryBytes, signal } = request;
  refuseSeveralKeys(plan);
  const folder = stagingFolder(workspace);
  const views = plan.checkpoints.map((checkpoint) => viewOf(checkpoint, plan.spine.types[0]!, folder));
  const kept = await readWhole(workspace, plan, views);
  if (kept !== null) return describe(kept, plan);

  await mkdir(folder, { recursive: true });
  // First of all, and durably: an earlier one would vouch for the files that are written now.
  await rm(stagingPath(workspace), { force: true });
  await syncFolder(folder);
  await syncFolder(workspace);
  const spine = await stageSpine({ keys: plan.spine.keys, folder, memoryBytes, signal });
  const checkpoints = await stageViews(views, request);
  await syncFolder(folder);
  const staging: Staging = {
    version: 1,
    planId: plan.id,
    rows: plan.spine.keys.values.length,
    rowGroupRows: plan.spine.rowGroupRows,
    key: keyOf(plan),
    spine,
    checkpoints,
  };
  const temporary = `${stagingPath(workspace)}.tmp`;
  await writeDurably(temporary, JSON.stringify(staging));
  await rename(temporary, stagingPath(workspace));
  await syncFolder(folder);
  return describe(staging, plan);
}

async function stageViews(views: View[], { signal, onProgress }: PrepareRequest): Promise<Staging['checkpoints']> {
  const total = views.reduce((sum, view) => sum + viewBytes(view.staged), 0);
  const checkpoints: Staging['checkpoints'] = [];
  let done = 0;
  const onBytes = (bytes: number): void => onProgress((done += bytes), total, checkpoints.length, views.length);
  for (const { staged, tail } of views) {
    signal?.throwIfAborted();
    await writeDurably(staged.tail.path, tail);
    assertUnchanged(staged);
    const hash = createHash('sha256');
    const read = await hashFile(staged.path, staged.fingerprint.size, hash, { onBytes, signal });
    if (read !== staged.fingerprint.size)
      throw new MergeFailure('InputChanged', `${staged.name}: became shorter while it was read`, { file: staged.name });
    assertUnchanged(staged);
    checkpoints.push({ ...staged, content: hash.update(tail).digest('hex') });
    onBytes(tail.length);
  }
  return checkpoints;
}

/** What an earlier call has left, where it is of this plan and its files are whole; else null. */
async function readWhole(workspace: string, plan: MergePlan, views: View[]): Promise<Staging | null> {
  const staging = await readStaging(workspace).catch((error: unknown) => {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (staging?.planId !== plan.id || staging.checkpoints.length !== views.length) return null;
  // An earlier version has left none.
  if (!isDeepStrictEqual(staging.key, keyOf(plan))) return null;
  for (const [i, { staged, tail }] of views.entries()) {
    const { content, ...known } = staging.checkpoints[i]!;
    // The sources may lie elsewhere by now.
    if (content.length !== 64 || !isDeepStrictEqual(known, staged)) return null;
    const onDisk = await readFile(staged.tail.path).catch(() => null);
    if (onDisk?.equals(tail) !== true) return null;
  }
  return (await isSpineWhole(staging.spine)) ? staging : null;
}

function refuseSeveralKeys({ keyNames, checkpoints }: MergePlan): void {
  if (keyNames.length > 1)
    throw unfitEngine(
      checkpoints[0]!.name,
      `its key ${formatNames(keyNames)} has ${keyNames.length} columns, and BigQuery is given keys of one; use the backend local`,
    );
}

const keyOf = (plan: MergePlan): Staging['key'] => ({
  name: plan.keyNames[0]!,
  described: describeType(outputKeyColumns(plan)[0]!.column),
});

const viewBytes = ({ fingerprint, tail }: View['staged']): number => fingerprint.size + tail.bytes;

const describe = ({ checkpoints, rows, spine }: Staging, plan: MergePlan): Prepared => ({
  checkpoints: checkpoints.length,
  columns: outputColumns(plan),
  rows,
  bytes: checkpoints.reduce((sum, checkpoint) => sum + viewBytes(checkpoint), spine.bytes),
});
