/** What is measured: a command line that puts the files of a folder together into one. */
import { join } from 'node:path';
import { machineLockPath } from '../../src/config/environment.ts';
import { KEY } from './checkpoints.ts';
import { YARDSTICK } from './summary.ts';

export interface Task {
  /** Folder of the files. */
  sources: string;
  /** The file to be made, in a folder of its own; may become a folder of parts. */
  output: string;
  memoryBytes: number;
  /** What it may spill of the disk, where it can be told. */
  spillBytes: number;
}

export interface Contender {
  /** By which it is asked for, e.g. `widemerge-bytes`. */
  id: string;
  /** As a table calls it. */
  name: string;
  /** Whether it spills what memory has no room for; the disk must have room for all values then. */
  spills: boolean;
  /** False where the output is not to be opened as Parquet. */
  isParquet: boolean;
  /** Whether it takes for granted that all files have the same keys in the same order. */
  trustsOrder: boolean;
  /** It takes the lock of the machine's merges itself; for the others the bench does. */
  takesLock: boolean;
  argv: (task: Task) => string[];
  env: Record<string, string>;
}

const CLI = join(import.meta.dirname, '..', '..', 'bin', 'widemerge.mjs');

/** The yardstick: the least work that puts these bytes into one file on disk. */
export const CAT: Contender = {
  id: YARDSTICK,
  name: '`cat` + fsync',
  isParquet: false,
  spills: false,
  trustsOrder: false,
  takesLock: false,
  argv: ({ sources, output }) => ['sh', '-c', 'cat "$1"/*.parquet > "$2" && sync "$2"', 'sh', sources, output],
  env: {},
};

const widemerge = (verify: string, name: string): Contender => ({
  id: `widemerge-${verify}`,
  name: `widemerge, ${name}`,
  isParquet: true,
  spills: false,
  trustsOrder: false,
  takesLock: true,
  argv: ({ sources, output, memoryBytes }) => [
    ...[process.execPath, CLI, 'merge', sources, '--out', output, '--key', KEY],
    ...['--verify', verify, '--memory', `${memoryBytes}B`],
  ],
  env: { WIDEMERGE_LOCK_FILE: machineLockPath },
});

export const WIDEMERGE = [
  widemerge('none', 'unverified'),
  widemerge('bytes', 'verified (`bytes`)'),
  widemerge('full', 'verified (`full`)'),
];
