/**
 * Cleaning: what is merged, verified and on disk needs its checkpoints no more. Only files that the published manifest
 * names, and that are still the very files that were merged, are touched. Done again, it does the rest.
 */
import { lstat, mkdir, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MergeFailure } from './errors.ts';
import { readFingerprint, sameFingerprint } from './fingerprint.ts';
import type { CleanReceipt, MergeJob, MergeMessage } from './job.ts';
import { readManifest, type Manifest } from './manifest.ts';
import { readManifestId } from './parquet/key-values.ts';
import { syncFolder } from './system/sync-folder.ts';
import { manifestPath } from './workspace.ts';

export interface CleanRequest {
  job: MergeJob;
  emit: (message: MergeMessage) => void;
  signal: AbortSignal | undefined;
}

/** More examples nobody reads. */
const MAX_KEPT_EXAMPLES = 20;

/**
 * Removes the checkpoints of a published output: not at all, into `<folder>/.trash/<date>/` beside them, or for good.
 * Files that are gone already count as done; files that this user may not remove are kept and named. Throws MergeFailure
 * OutputMismatch where manifest and output are not both there and of each other; nothing is removed then. Only in the
 * job's folder: a manifest that came from elsewhere, or of before the folder was moved, names files that the
 * configuration does not. Throws the signal's reason between two files; what was removed until then stays so.
 */
export async function cleanSources({ job, emit, signal }: CleanRequest): Promise<CleanReceipt> {
  const mode = job.clean ?? 'keep';
  const receipt: CleanReceipt = { mode, files: 0, bytes: 0, keptFiles: 0, kept: [], restore: null };
  const keep = (file: string, reason: string): void => {
    if (++receipt.keptFiles <= MAX_KEPT_EXAMPLES) receipt.kept.push({ file, reason });
  };
  if (mode === 'keep') return receipt;
  const { verification, sources } = await requirePublished(job.output.path);
  if (verification === null) {
    for (const { path } of sources) keep(path, 'the output was not verified');
    return receipt;
  }
  const bytesTotal = sources.reduce((sum, { fingerprint }) => sum + fingerprint.size, 0);
  const date = new Date().toISOString().slice(0, 10);
  const folders = new Set<string>();
  let bytesDone = 0;
  try {
    for (const [index, source] of sources.entries()) {
      signal?.throwIfAborted();
      const { path, fingerprint } = source;
      const folder = dirname(path);
      const trash = mode === 'trash' ? join(folder, '.trash', date) : null;
      const reason = (await reasonToKeep(source, job.source.dir)) ?? (await remove(path, trash));
      if (reason === null) {
        receipt.files++;
        receipt.bytes += fingerprint.size;
        if (trash !== null) {
          folders.add(trash).add(dirname(trash));
          receipt.restore = `mv -n ${shellWord(trash)}/* ${shellWord(folder)}/`;
        }
        folders.add(folder);
      } else if (reason !== GONE) keep(path, reason);
      bytesDone += fingerprint.size;
      emit({
        event: 'progress',
        step: 'clean',
        filesDone: index + 1,
        filesTotal: sources.length,
        bytesDone,
        bytesTotal,
      });
    }
  } finally {
    for (const folder of folders) await syncFolder(folder);
  }
  return receipt;
}

async function requirePublished(outputPath: string): Promise<Manifest> {
  const refuse = (what: string): MergeFailure =>
    new MergeFailure('OutputMismatch', `${outputPath}: ${what}; its checkpoints are kept`, { file: outputPath });
  const manifest = await readManifest(manifestPath(outputPath));
  if (manifest === null) throw refuse('has no manifest');
  const output = await stat(outputPath).catch(() => null);
  if (output === null) throw refuse('is missing although its manifest is there');
  if (output.size !== manifest.output.bytes)
    throw refuse(`has ${output.size} bytes where its manifest says ${manifest.output.bytes}`);
  if ((await readManifestId(outputPath)) !== manifest.id) throw refuse('is not the file of its manifest');
  // Whoever published it did this, too; it costs nothing then, and what follows cannot be undone.
  const handle = await open(outputPath, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(dirname(outputPath));
  return manifest;
}

/** Instead of a reason to keep a file: somebody has removed it, this step's earlier attempt for one. */
const GONE = 'gone';

async function reasonToKeep({ path, fingerprint }: Manifest['sources'][number], dir: string): Promise<string | null> {
  try {
    if ((await realpath(dirname(path))) !== (await realpath(dir))) return `is not in ${dir}`;
    if ((await lstat(path)).isSymbolicLink()) return 'is a symbolic link';
    const now = await readFingerprint(path);
    return sameFingerprint(now, fingerprint) ? null : 'changed since it was merged';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return GONE;
    throw error;
  }
}

/** Deletes a file, or moves it into the folder `trash`. Returns null, or why it could not. */
async function remove(path: string, trash: string | null): Promise<string | null> {
  try {
    if (trash === null) await unlink(path);
    else await moveInto(trash, path);
    return null;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return GONE;
    if (['EACCES', 'EPERM', 'EROFS'].includes(code))
      return `cannot be removed (${code}); mend the folder's permissions`;
    throw error;
  }
}

async function moveInto(trash: string, path: string): Promise<void> {
  await mkdir(trash, { recursive: true });
  for (let copy = 0; ; copy++) {
    const target = join(trash, copy === 0 ? basename(path) : `${copy}-${basename(path)}`);
    // A file of the same name that was trashed earlier that day stays.
    if ((await lstat(target).catch(() => null)) !== null) continue;
    await rename(path, target);
    return;
  }
}

const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
