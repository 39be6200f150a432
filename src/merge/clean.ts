/**
 * Cleaning: what is merged, verified and on disk needs its checkpoints no more. Only files that the published manifest
 * names, and that are still the very files that were merged, are touched. Done again, it does the rest.
 */
import { lstat, mkdir, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { CleanMode } from '../contract.ts';
import { MergeFailure } from './errors.ts';
import { readFingerprint, sameFingerprint } from './fingerprint.ts';
import { readManifest, type Manifest } from './manifest.ts';
import { readManifestId } from './parquet/key-values.ts';
import { syncFolder } from './system/sync-folder.ts';
import { manifestPath } from './workspace.ts';

export interface CleanReceipt {
  mode: CleanMode;
  /** Files removed by this call, and their bytes. */
  files: number;
  bytes: number;
  /** Files that were not removed although the mode asks for it, and why. */
  kept: { file: string; reason: string }[];
  /** Where the removed files are, and the command that brings them back; null where nothing was moved. */
  restore: string | null;
}

/**
 * Removes the checkpoints of a published output: not at all, into `<folder>/.trash/<date>/` beside them, or for good.
 * Files that are gone already count as done. Throws MergeFailure OutputMismatch where manifest and output are not
 * both there and of each other; nothing is removed then. Only in `dir`, the pair's folder: a manifest that came from
 * elsewhere, or of before the folder was moved, names files that the configuration does not.
 */
export async function cleanSources(outputPath: string, mode: CleanMode, dir: string): Promise<CleanReceipt> {
  const receipt: CleanReceipt = { mode, files: 0, bytes: 0, kept: [], restore: null };
  if (mode === 'keep') return receipt;
  const manifest = await requirePublished(outputPath);
  if (manifest.verification === null) {
    receipt.kept = manifest.sources.map(({ path }) => ({ file: path, reason: 'the output was not verified' }));
    return receipt;
  }
  const date = new Date().toISOString().slice(0, 10);
  const folders = new Set<string>();
  for (const source of manifest.sources) {
    const reason = await reasonToKeep(source, dir);
    if (reason === 'gone') continue;
    if (reason !== null) {
      receipt.kept.push({ file: source.path, reason });
      continue;
    }
    const folder = dirname(source.path);
    if (mode === 'delete') await unlink(source.path);
    else {
      const trash = join(folder, '.trash', date);
      await moveInto(trash, source.path);
      folders.add(trash).add(dirname(trash));
      receipt.restore = `mv -n ${shellWord(trash)}/* ${shellWord(folder)}/`;
    }
    folders.add(folder);
    receipt.files++;
    receipt.bytes += source.fingerprint.size;
  }
  for (const folder of folders) await syncFolder(folder);
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

async function reasonToKeep({ path, fingerprint }: Manifest['sources'][number], dir: string): Promise<string | null> {
  try {
    if ((await realpath(dirname(path))) !== (await realpath(dir))) return `is not in ${dir}`;
    if ((await lstat(path)).isSymbolicLink()) return 'is a symbolic link';
    const now = await readFingerprint(path);
    return sameFingerprint(now, fingerprint) ? null : 'changed since it was merged';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'gone';
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
