/**
 * Cleaning: what is merged, verified and on disk needs its checkpoints no more. Only files that the published manifest
 * names, and that are still the very files that were merged, are touched. Done again, it does the rest.
 */
import type { Stats } from 'node:fs';
import { lstat, mkdir, open, readdir, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { leaveReceipt } from './clean-receipt.ts';
import { readFingerprint, sameFingerprint } from './fingerprint.ts';
import type { CleanReceipt, MergeJob, MergeMessage } from './job.ts';
import type { Manifest } from './manifest.ts';
import { requirePublished } from './published.ts';
import { recheckOutput } from './recheck.ts';
import { syncFolder } from './system/sync-folder.ts';

export interface CleanRequest {
  job: MergeJob;
  emit: (message: MergeMessage) => void;
  signal: AbortSignal | undefined;
}

/** More examples nobody reads. */
const MAX_KEPT_EXAMPLES = 20;

/**
 * Removes the checkpoints of a published output: not at all, or into `<folder>/.trash/<date>-<12 characters of its id>/`,
 * or for good. Files that are gone already count as done; files that this user may not remove, or that the trash cannot
 * take, are kept and named. Throws MergeFailure OutputMismatch where manifest and output are not both there and of each
 * other; nothing is removed then. Only in the job's folder: a manifest that came from elsewhere, or of before the folder
 * was moved, names files that the configuration does not. Throws the signal's reason between two files; what was
 * removed until then stays so. A receipt beside the manifest says what is gone.
 */
export async function cleanSources({ job, emit, signal }: CleanRequest): Promise<CleanReceipt> {
  const mode = job.clean ?? 'keep';
  const receipt: CleanReceipt = { mode, files: 0, bytes: 0, keptFiles: 0, kept: [], restore: null };
  const keep = (file: string, reason: string): void => {
    if (++receipt.keptFiles <= MAX_KEPT_EXAMPLES) receipt.kept.push({ file, reason });
  };
  if (mode === 'keep') return receipt;
  const manifest = await requirePublished(job.output.path, '; its checkpoints are kept');
  await syncAgain(job.output.path);
  const { id, verification, sources } = manifest;
  const isDry = job.cleanAlone?.dryRun === true;
  if (verification === null) {
    for (const { path } of sources) keep(path, 'the output was not verified');
    return receipt;
  }
  if (job.cleanAlone !== undefined && !isDry && (await goneOf(sources)).files < sources.length)
    await recheckOutput(job.output.path, manifest, { onBytes: () => undefined, signal });
  const bytesTotal = sources.reduce((sum, { fingerprint }) => sum + fingerprint.size, 0);
  const trash = mode === 'trash' ? await trashOf(id, job.source.dir) : null;
  const folders = new Set<string>();
  let bytesDone = 0;
  try {
    for (const [index, source] of sources.entries()) {
      signal?.throwIfAborted();
      const { path, fingerprint } = source;
      const reason = (await reasonToKeep(source, job.source.dir)) ?? (isDry ? null : await remove(path, trash));
      if (reason === null) {
        receipt.files++;
        receipt.bytes += fingerprint.size;
        if (trash !== null && !isDry) folders.add(trash).add(dirname(trash));
        folders.add(job.source.dir);
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
    for (const folder of folders) await syncFolder(folder).catch(unlessGone);
  }
  // Asked of the disk: an attempt that died before it could answer has moved files, too.
  if (trash !== null && (await isFilled(trash)))
    receipt.restore = `mv -n ${shellWord(trash)}/* ${shellWord(job.source.dir)}/`;
  if (!isDry) await leaveReceipt(job.output.path, manifest, receipt, await goneOf(sources));
  return receipt;
}

/** What is not there any more, whoever has removed it. */
async function goneOf(sources: Manifest['sources']): Promise<{ files: number; bytes: number }> {
  const gone = { files: 0, bytes: 0 };
  for (const { path, fingerprint } of sources) {
    if ((await stat(path).catch(codeOf)) !== 'ENOENT') continue;
    gone.files += 1;
    gone.bytes += fingerprint.size;
  }
  return gone;
}

/** Whoever published it did this, too; it costs nothing then, and what follows cannot be undone. */
async function syncAgain(outputPath: string): Promise<void> {
  const handle = await open(outputPath, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(dirname(outputPath));
}

/** Instead of a reason to keep a file: somebody has removed it, this step's earlier attempt for one. */
const GONE = 'gone';

async function reasonToKeep({ path, fingerprint }: Manifest['sources'][number], dir: string): Promise<string | null> {
  try {
    if ((await realpath(dirname(path))) !== (await realpath(dir))) return `is not in ${dir}`;
    if ((await lstat(path)).isSymbolicLink()) return 'is a symbolic link';
    const now = readFingerprint(path);
    return sameFingerprint(now, fingerprint) ? null : 'changed since it was merged';
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return GONE;
    throw error;
  }
}

/** Deletes a file, or moves it into the folder `trash`. Returns null, or why it could not. */
async function remove(path: string, trash: string | null): Promise<string | null> {
  try {
    if (trash !== null) return await moveInto(trash, path);
    await unlink(path);
    return null;
  } catch (error) {
    const code = codeOf(error);
    // A rename says the same where the trash has vanished meanwhile.
    if (code === 'ENOENT') return (await lookAt(path)) === null ? GONE : `its trash ${trash} has vanished; clean again`;
    if (code === 'EXDEV') return '.trash is on another file system; move it away';
    if (code === 'ENOTDIR' || code === 'EEXIST') return NOT_A_FOLDER;
    if (['EACCES', 'EPERM', 'EROFS'].includes(code))
      return `cannot be removed (${code}); mend the folder's permissions`;
    throw error;
  }
}

const NOT_A_FOLDER = '.trash is not a folder; move it away';

async function moveInto(trash: string, path: string): Promise<string | null> {
  for (const folder of [dirname(trash), trash]) {
    await mkdir(folder).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    // A link could lead anywhere, out of the root for one.
    if (!(await isFolder(folder))) return folder === trash ? `${trash} is not a folder; move it away` : NOT_A_FOLDER;
  }
  const target = join(trash, basename(path));
  // Under another name it would come back beside the file of its own name, and no merge takes the same columns twice.
  if ((await lookAt(target)) !== null) return `${target} is there already; move it away`;
  await rename(path, target);
  return null;
}

/** One folder per output, whatever the day: what else was trashed does not come back with it. */
async function trashOf(id: string, dir: string): Promise<string> {
  const all = join(dir, '.trash');
  // The id is read from a file: as a name it must not lead elsewhere.
  const label = encodeURIComponent(id).slice(0, 12);
  const names = (await isFolder(all)) ? await readdir(all).catch(() => []) : [];
  const known = names.sort().find((name) => /^\d{4}-\d\d-\d\d-/.test(name) && name.slice(11) === label);
  return join(all, known ?? `${new Date().toISOString().slice(0, 10)}-${label}`);
}

/** What this user may not read, the command could not bring back. */
async function isFilled(trash: string): Promise<boolean> {
  if (!(await isFolder(dirname(trash)))) return false;
  const isThere = await isFolder(trash).catch(() => false);
  return isThere && (await readdir(trash).catch(() => [])).length > 0;
}

const isFolder = async (path: string): Promise<boolean> => (await lookAt(path))?.isDirectory() === true;

/** What lies at `path`, no link followed; null where nothing does. */
const lookAt = (path: string): Promise<Stats | null> => lstat(path).catch(unlessGone);

function unlessGone(error: unknown): null {
  if (codeOf(error) === 'ENOENT') return null;
  throw error;
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
