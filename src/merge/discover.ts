import { statSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { keyNamesOf } from '../contract.ts';
import { invalidCheckpoint, MergeFailure } from './errors.ts';
import { readFingerprint } from './fingerprint.ts';
import { globToRegExp } from './glob.ts';
import type { MergeJob } from './job.ts';
import { readFooterOf, TAIL_BYTES } from './parquet/footer.ts';
import type { Checkpoint, Fingerprint } from './plan.ts';
import { collectGarbage } from './system/collect-garbage.ts';
import { expectRanges, NearbyFile } from './system/nearby-file.ts';
import { takeTurn } from './system/take-turn.ts';

/** Footers that the disk is asked for at a time: enough to hide its latency, few enough to bound open files. */
const READ_AHEAD = 16;

/** To read so many leaves garbage that is worth a collection. */
const MANY_CHUNKS = 4_000;

export interface CheckpointFile {
  name: string;
  path: string;
  fingerprint: Fingerprint;
}

/**
 * The checkpoint files of a folder in the order of their names (by UTF-16 code units), each checked to lie under the
 * root. An empty folder gives an empty list. Throws CheckpointInvalid.
 */
export async function listCheckpoints({ source, output }: MergeJob): Promise<CheckpointFile[]> {
  const names = await listNames(source.dir, source.pattern);
  const root = source.root === null ? null : await realpath(source.root);
  if (root !== null) await requireInside(root, source.dir, source.dir);
  const files: CheckpointFile[] = [];
  for (const name of names) {
    const path = join(source.dir, name);
    if (path === resolve(output.path)) continue;
    if (root !== null) await requireInside(root, path, name);
    // Only a folder behind a link or a pipe gets here: the first fails without a name, to open the second waits for ever.
    if (!statSync(path).isFile()) throw invalidCheckpoint(name, 'is not a plain file; remove it, or its link');
    files.push({ name, path, fingerprint: readFingerprint(path) });
  }
  return files;
}

async function listNames(dir: string, pattern: string): Promise<string[]> {
  const matches = globToRegExp(pattern);
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.') && matches.test(entry.name))
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    throw new MergeFailure(
      'CheckpointInvalid',
      `${dir}: the folder of checkpoints cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
      { file: dir },
      { cause: error },
    );
  }
}

async function requireInside(root: string, path: string, name: string): Promise<void> {
  const real = await realpath(path).catch((error: unknown) => {
    throw new MergeFailure(
      'CheckpointInvalid',
      `${name}: leads nowhere; mend or remove the link`,
      { file: name },
      { cause: error },
    );
  });
  const inside = relative(root, real);
  if (inside === '..' || inside.startsWith(`..${sep}`))
    throw invalidCheckpoint(name, `leads out of the root ${root} to ${real}; only files under the root are read`);
}

/**
 * Reads every footer and checks what concerns the set as a whole: its number, key columns, equal names. `onBatch` is given some of them
 * at a time, in order.
 */
export async function readCheckpoints(
  files: CheckpointFile[],
  job: MergeJob,
  onBatch?: (batch: Checkpoint[]) => void,
): Promise<Checkpoint[]> {
  const { dir, pattern, expected } = job.source;
  if (files.length === 0)
    throw new MergeFailure('CheckpointInvalid', `${dir}: holds no files that match ${pattern}`, { file: dir });
  if (expected !== null && files.length !== expected)
    throw new MergeFailure(
      'CheckpointInvalid',
      `${dir}: holds ${files.length} checkpoints where ${expected} are expected; find the missing or surplus ones, or change checkpoints.expected`,
      { file: dir },
    );
  const keyNames = keyNamesOf(job.key);
  const checkpoints: Checkpoint[] = [];
  for (let start = 0; start < files.length; start += READ_AHEAD) {
    const batch = files.slice(start, start + READ_AHEAD);
    for (const { path } of batch) expectRanges(path, [{ start: -TAIL_BYTES, length: TAIL_BYTES }]);
    const read: Checkpoint[] = [];
    for (const file of batch) read.push(await readCheckpoint(file, start + read.length, keyNames));
    checkpoints.push(...read);
    onBatch?.(read);
    await takeTurn();
  }
  refuseSharedColumns(checkpoints);
  const chunks = checkpoints.reduce((sum, { footer }) => sum + footer.leaves * footer.rowGroups.length, 0);
  if (chunks > MANY_CHUNKS) collectGarbage();
  return checkpoints;
}

async function readCheckpoint(file: CheckpointFile, index: number, keyNames: string[]): Promise<Checkpoint> {
  using open = new NearbyFile(file.path);
  const footer = await readFooterOf(open, file.name);
  const keys = keyNames.map((keyName) => {
    const key = footer.columns.find((column) => column.name === keyName);
    if (key !== undefined) return key;
    throw invalidCheckpoint(
      file.name,
      `has no key column ${keyName}; its columns are ${listSome(footer.columns.map((column) => column.name))}`,
      keyName,
    );
  });
  if (footer.rows === 0) throw invalidCheckpoint(file.name, 'has 0 rows; write it again or remove it');
  return { index, ...file, footer, keys, columns: footer.columns.filter((column) => !keys.includes(column)) };
}

function refuseSharedColumns(checkpoints: Checkpoint[]): void {
  const owner = new Map<string, string>();
  for (const { name, columns } of checkpoints)
    for (const column of columns) {
      const other = owner.get(column.name);
      if (other !== undefined)
        throw invalidCheckpoint(
          name,
          `has the column ${column.name}, which ${other} has, too; rename one, or make it a part of the key`,
          column.name,
        );
      owner.set(column.name, name);
    }
}

const listSome = (names: string[]): string =>
  names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
