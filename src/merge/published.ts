/** What stands at the output path already: the merge of these checkpoints, or somebody else's file. */
import { stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { MergeFigures } from '../payloads.ts';
import type { CheckpointFile } from './discover.ts';
import { MergeFailure, unreadableCode } from './errors.ts';
import type { MergeJob, MergeMessage } from './job.ts';
import { readManifest, type Manifest } from './manifest.ts';
import { readManifestId } from './parquet/key-values.ts';
import type { MergePlan } from './plan.ts';
import { recheckOutput } from './recheck.ts';
import { manifestPath } from './workspace.ts';

export interface PublishedRequest {
  job: MergeJob;
  emit: (message: MergeMessage) => void;
  signal: AbortSignal | undefined;
}

/** Figures of the output, if it was made from these files with these options; files cleaned since may be missing. */
export async function findPublished(
  { job, emit, signal }: PublishedRequest,
  files: CheckpointFile[],
): Promise<MergeFigures | null> {
  if (job.elsewhere === true) return null;
  const manifest = await readManifest(manifestPath(job.output.path));
  if (manifest === null || !isDeepStrictEqual(manifest.key, job.key) || manifest.rows !== job.rows) return null;
  if (job.rows === 'reference' && manifest.reference !== job.reference) return null;
  if (manifest.rowGroupRows !== (job.rowGroupRows ?? null)) return null;
  const output = await stat(job.output.path).catch(() => null);
  // The size alone could coincide with that of another output, put there after the manifest was written.
  if (output?.size !== manifest.output.bytes || (await readManifestId(job.output.path)) !== manifest.id) return null;
  const merged = new Map(manifest.sources.map(({ name, fingerprint }) => [name, fingerprint]));
  const unchanged = files.every(({ name, fingerprint }) => {
    const known = merged.get(name);
    return known?.size === fingerprint.size && known.mtimeNs === fingerprint.mtimeNs;
  });
  if (!unchanged) return null;
  if (job.recheckPublished === true && files.length > 0)
    await recheckPublished({ job, emit, signal }, manifest, files.length);
  return manifest.figures;
}

/** Checkpoints are about to be deleted on the word of a manifest that another process has written. */
async function recheckPublished(
  { job, emit, signal }: PublishedRequest,
  manifest: Manifest,
  files: number,
): Promise<void> {
  // Without checksums it was not verified, and its checkpoints are kept.
  if (manifest.columns.length === 0) return;
  await recheckOutput(job.output.path, manifest, {
    onBytes: (bytesDone, bytesTotal) =>
      emit({ event: 'progress', step: 'verify', filesDone: 0, filesTotal: files, bytesDone, bytesTotal }),
    signal,
  });
}

/** The manifest of an output that is there and is its own, as far as size and id tell. Throws MergeFailure OutputMismatch; `consequence` ends its message. */
export async function requirePublished(outputPath: string, consequence: string): Promise<Manifest> {
  const refuse = (what: string): MergeFailure =>
    new MergeFailure('OutputMismatch', `${outputPath}: ${what}${consequence}`, { file: outputPath });
  const manifest = await readManifest(manifestPath(outputPath));
  if (manifest === null) throw refuse('has no manifest');
  const output = await stat(outputPath).catch(() => null);
  if (output === null) throw refuse('is missing although its manifest is there');
  if (output.size !== manifest.output.bytes)
    throw refuse(`has ${output.size} bytes where its manifest says ${manifest.output.bytes}`);
  const id = await readManifestId(outputPath).catch((error: unknown) => {
    const code = unreadableCode(error);
    throw code === null ? error : refuse(`cannot be read (${code})`);
  });
  if (id !== manifest.id) throw refuse('is not the file of its manifest');
  return manifest;
}

/** Said before the work begins; publishing checks again, by a call that cannot overwrite. */
export async function refuseForeignOutput(job: MergeJob, plan: MergePlan): Promise<void> {
  const { path, replace } = job.output;
  if (job.elsewhere === true || replace || (await stat(path).catch(() => null)) === null) return;
  if ((await readManifestId(path).catch(() => null)) === plan.id) return;
  throw new MergeFailure(
    'OutputExists',
    `${path}: is there already and is not the merge of these checkpoints; move it, choose another output, or ask for replacement`,
    { file: path },
  );
}
