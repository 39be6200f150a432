import { dirname, resolve } from 'node:path';
import { MergeError } from '../backends/backend.ts';
import { runMergeProcess } from '../backends/merge-process.ts';
import { machineLockPath } from '../config/environment.ts';
import { formatBytes, formatCount } from '../config/units.ts';
import { limitsFor } from '../library/limits.ts';
import type { MergeJob, PublishedCheck } from '../merge/job.ts';
import { MergeFailure, unreadableCode } from '../merge/errors.ts';
import { readManifest, type Manifest } from '../merge/manifest.ts';
import { manifestPath } from '../merge/workspace.ts';
import { CommandError, UsageError } from './exit.ts';
import { interruptible } from './interrupt.ts';
import { mergeProgress } from './merge-progress.ts';

export interface VerifyOptions {
  /** A folder; true for that of the manifest. */
  sources?: string | true;
  full: boolean;
  memory?: number;
  timeout: number;
  json: boolean;
}

/** `widemerge verify OUT [--sources [DIR]] [--full]`: an output of any age, anywhere, by its manifest and its checkpoints. */
export async function verify(output: string, options: VerifyOptions): Promise<void> {
  const path = resolve(output);
  const manifest = await readManifest(manifestPath(path)).catch((error: unknown) => {
    if (error instanceof MergeFailure) throw new CommandError(error.facts, { cause: error });
    const code = unreadableCode(error);
    throw code === null ? error : new UsageError(`${manifestPath(path)} cannot be read (${code})`, { cause: error });
  });
  if (manifest === null)
    throw new UsageError(`${manifestPath(path)} is missing: an output is verified by the manifest that lies beside it`);
  const limits = limitsFor({ memoryBytes: options.memory, timeoutMs: options.timeout });
  const job = jobOf(path, manifest, options, limits.memoryBytes);
  using interrupt = interruptible();
  const progress = mergeProgress(process.stderr);
  let check: PublishedCheck | undefined;
  try {
    ({ check } = await runMergeProcess(job, {
      limits,
      machineLock: machineLockPath,
      signal: interrupt.signal,
      onProgress: progress.onProgress,
      onMemory: progress.onMemory,
    }));
  } catch (error) {
    throw error instanceof MergeError ? new CommandError(error.facts, { cause: error }) : error;
  } finally {
    progress.end();
  }
  if (check === undefined) throw new Error('the process ended without saying what it found');
  console.log(`${output}: ${describe(check, job.source.dir)}`);
  if (options.json) console.log(JSON.stringify({ output: path, ...check }));
}

function jobOf(path: string, manifest: Manifest, { sources, full }: VerifyOptions, memoryBytes: number): MergeJob {
  // Full means every value, which only the checkpoints can tell.
  const wanted = sources ?? (full ? true : undefined);
  return {
    steps: ['recheck'],
    source: { dir: sourceFolder(manifest, wanted), root: null, pattern: '*', expected: null },
    output: { path, replace: false },
    ...{ key: manifest.key, rows: manifest.rows, reference: manifest.reference, engine: manifest.engine },
    ...(manifest.rowGroupRows !== null && { rowGroupRows: manifest.rowGroupRows }),
    verify: full ? 'full' : 'bytes',
    recheckSources: wanted !== undefined,
    memoryBytes,
  };
}

function sourceFolder(manifest: Manifest, wanted: string | true | undefined): string {
  if (typeof wanted === 'string') return resolve(wanted);
  const [folder = '', ...others] = new Set(manifest.sources.map(({ path }) => dirname(path)));
  if (wanted === true && others.length > 0)
    throw new UsageError('its checkpoints lay in several folders: --sources DIR says which');
  return folder;
}

/** What a verification is worth that has not seen a disk. */
const CAUTIONS: Record<NonNullable<PublishedCheck['medium']>, string> = {
  disk: '',
  'page cache': '; its file system has no direct reads, and may have answered from the page cache',
  memory: '; it lies in memory and on no disk',
};

function describe({ rows, columns, bytes, hasChecksums, medium, sources }: PublishedCheck, dir: string): string {
  const shape = `${formatCount(columns)} columns x ${formatCount(rows)} rows, ${formatBytes(bytes)}`;
  const byManifest = hasChecksums
    ? 'is what its manifest says'
    : 'was published without verification, its manifest has no checksums: its size and id are right';
  const how = sources?.mode === 'full' ? 'every value' : 'every byte of its columns';
  const bySources = sources === null ? '' : `, and what its ${sources.files} checkpoints in ${dir} hold (${how})`;
  return `${byManifest}${bySources}: ${shape}${medium === null ? '' : CAUTIONS[medium]}`;
}
