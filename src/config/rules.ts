/** Rules of the configuration that the command line's own options follow, too; free of the schema, which takes long to load. */
import type { BackendName } from '../contract.ts';

/** The backends of a run that names none, in the order in which they are tried. */
export const DEFAULT_CHAIN: BackendName[] = ['local', 'bigquery'];

/** Longest time of a merge, where nothing else is said. */
export const DEFAULT_TIMEOUT_MS = 30 * 60_000;

/** Longest time without progress, where nothing else is said. */
export const DEFAULT_STALL_MS = 10 * 60_000;

/** Between SIGTERM and SIGKILL: an engine stops within a file, and what is on disk was fsynced as it went. */
export const GRACE_MS = 5_000;

/** Of the machine's memory: no merge may take more, whatever is configured, so that the machine stays reachable. */
export const MEMORY_SHARE = 0.8;
/** The same for the line above which the watcher kills. */
export const KILL_SHARE = 0.9;

/** Below this not even the runtime of a merge process fits. */
export const LEAST_MEMORY_BYTES = 64 * 2 ** 20;

/** Less than this no program starts in. */
export const LEAST_LIMIT_BYTES = 4 * 2 ** 20;

/** Smaller row groups would make the footer of thousands of columns larger than their data. */
export const LEAST_ROW_GROUP_ROWS = 1_000;
/** Pages count their values in 32 bits. */
export const MOST_ROW_GROUP_ROWS = 2 ** 31 - 1;
/** The backends whose outputs have row groups of a given size: the parts of both are stitched here. */
export const LAID_OUT_BACKENDS: readonly BackendName[] = ['local', 'bigquery'];

/** The name of a pair is that of a folder: not hidden, no path, no pattern. */
export const PAIR_NAME = /^[^./*?[\]\s\0-\x1f][^/*?[\]\0-\x1f]*$/;

/** Whether a folder is one of the pairs that a pattern names: `*` stands for any characters, `?` for one. */
export function pairMatcher(pattern: string): (name: string) => boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`, 'su');
  return (name) => expression.test(name);
}

/** Name of a host, as a worker and a run's configuration give it: part of a task queue's name. */
export const HOST_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
