/**
 * Publishing: the verified temporary file becomes the output, whole or not at all. link() never replaces, so that
 * nobody's file can be lost to a race. Every step is done again harmlessly after a crash.
 */
import { link, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MergeFailure } from './errors.ts';
import { writeManifest, type Manifest } from './manifest.ts';
import { syncFolder } from './system/sync-folder.ts';
import { manifestPath } from './workspace.ts';

export interface PublishRequest {
  /** In the workspace: the same file system as the output. */
  temporaryPath: string;
  outputPath: string;
  manifest: Manifest;
  /** Another file at the output path may be replaced. */
  replace: boolean;
  /** Id of the manifest that a file belongs to, from its footer; null for a stranger's. */
  readManifestId: (path: string) => Promise<string | null>;
}

/** Throws MergeFailure OutputMismatch, OutputExists, OutputUnwritable or DiskFull. */
export async function publishOutput(request: PublishRequest): Promise<void> {
  try {
    await publish(request);
  } catch (error) {
    throw typedError(error, request.outputPath);
  }
}

async function publish({
  temporaryPath,
  outputPath,
  manifest,
  replace,
  readManifestId,
}: PublishRequest): Promise<void> {
  const workspace = dirname(temporaryPath);
  const folder = dirname(outputPath);
  const pendingPath = join(workspace, 'manifest.pending.json');
  const ours = await identify(temporaryPath);
  if (ours === null) {
    // An earlier publication that was cut short behind its last link has removed it.
    if (!(await isOutputOf(manifest))) throw new Error(`${temporaryPath}: is missing; the merge step comes first`);
  } else {
    if (ours.bytes !== manifest.output.bytes)
      throw new MergeFailure(
        'OutputMismatch',
        `${temporaryPath}: has ${ours.bytes} bytes where its manifest says ${manifest.output.bytes}; merge again`,
        { file: temporaryPath },
      );
    await syncFile(temporaryPath);
    await writeManifest(pendingPath, manifest);
    await putInPlace();
    await syncFolder(folder);
  }
  await writeManifest(pendingPath, manifest);
  await rename(pendingPath, manifestPath(outputPath));
  await syncFolder(folder);
  await rm(temporaryPath, { force: true });

  /** The id stands in the footer; a file that was changed and kept it is not ours any more. */
  async function isOutputOf({ id, output }: Manifest): Promise<boolean> {
    return (await identify(outputPath))?.bytes === output.bytes && (await readManifestId(outputPath)) === id;
  }

  async function putInPlace(): Promise<void> {
    try {
      await link(temporaryPath, outputPath);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if ((await identify(outputPath))?.inode === ours?.inode) return;
    if (!(await isOutputOf(manifest)) && !replace)
      throw new MergeFailure(
        'OutputExists',
        `${outputPath}: is there already and is not the merge of these checkpoints; move it, choose another output, or ask for replacement`,
        { file: outputPath },
      );
    // The old manifest goes first: at no moment may it vouch for a file that it was not made for.
    await rm(manifestPath(outputPath), { force: true });
    await syncFolder(folder);
    // Renamed through a second link, so that the temporary file stays for whoever does this again after a crash.
    const stepPath = join(workspace, 'replacement.parquet');
    await rm(stepPath, { force: true });
    await link(temporaryPath, stepPath);
    await rename(stepPath, outputPath);
  }
}

async function identify(path: string): Promise<{ inode: string; bytes: number } | null> {
  try {
    const { dev, ino, size } = await stat(path, { bigint: true });
    return { inode: `${dev}:${ino}`, bytes: Number(size) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const UNWRITABLE = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'EXDEV',
  'ENOTSUP',
  'EOPNOTSUPP',
]);

function typedError(error: unknown, outputPath: string): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new MergeFailure(
      'DiskFull',
      `${outputPath}: no space left on its disk; free some, the merge goes on from there`,
      { file: outputPath },
      { cause: error },
    );
  if (UNWRITABLE.has(code))
    return new MergeFailure(
      'OutputUnwritable',
      `${outputPath}: cannot be put in place (${code}); the folder must exist, be writable, and allow hard links`,
      { file: outputPath },
      { cause: error },
    );
  return error;
}
