import { resolve } from 'node:path';
import { MergeError } from '../backends/backend.ts';
import { formatBytes, formatCount, formatDuration } from '../config/units.ts';
import type { BackendName, RowsMode, VerifyMode } from '../contract.ts';
import type { MergeFigures } from '../payloads.ts';
import { mergeCheckpoints } from '../library/merge-checkpoints.ts';
import { CommandError, UsageError } from './exit.ts';
import { interruptible } from './interrupt.ts';
import { mergeProgress } from './merge-progress.ts';
import { sharingOf } from './sharing-words.ts';
import { watchPeakMemory, type PeakMemory } from './peak-memory.ts';

export interface MergeOptions {
  out: string;
  key?: string[];
  rows: RowsMode;
  reference?: string;
  rowGroupRows?: number;
  pattern: string;
  expected?: number;
  memory?: number;
  timeout: number;
  stall: number;
  engine: Exclude<BackendName, 'bigquery'>;
  command?: string[];
  verify: VerifyMode;
  replace: boolean;
  json: boolean;
}

/** `widemerge merge DIR --out FILE`: one folder, in one guarded child process, with no server at all. */
export async function merge(dir: string, options: MergeOptions): Promise<void> {
  const {
    key,
    rows,
    reference,
    rowGroupRows,
    pattern,
    expected,
    engine,
    verify,
    replace,
    memory,
    timeout,
    stall,
    command,
  } = options;
  const out = resolve(options.out);
  using interrupt = interruptible();
  // It takes a little of a processor, and nobody else is told.
  const watch = options.json ? watchPeakMemory() : null;
  const progress = mergeProgress(process.stderr);
  let figures: MergeFigures;
  try {
    figures = await mergeCheckpoints({
      ...{ dir, out, key, rows, reference, rowGroupRows, pattern, expected, engine, verify, replace },
      ...{ memoryBytes: memory, timeoutMs: timeout, stallMs: stall },
      command: command && { argv: command, dir: process.cwd() },
      signal: interrupt.signal,
      onProgress: progress.onProgress,
      onMemory: progress.onMemory,
      onRemark: (line) => console.error(line),
    });
  } catch (error) {
    if (!(error instanceof MergeError)) throw error;
    const { type, message } = error.facts;
    throw type === 'ConfigInvalid'
      ? new UsageError(message, { cause: error })
      : new CommandError(error.facts, { cause: error });
  } finally {
    progress.end();
    watch?.stop();
  }
  console.log(summary(figures, out));
  for (const note of figures.notes ?? []) console.error(note);
  if (watch !== null) console.log(JSON.stringify(resultLine(figures, out, watch.peak())));
}

function resultLine(figures: MergeFigures, output: string, peak: PeakMemory) {
  const { files, rows, columns, aligned, realigned, bytesIn, bytesOut, wallMs, verified } = figures;
  const { bytesCloned, bytesCopied, bytesRewritten, rowGroups } = figures;
  return {
    ...{ files, rows, columns, aligned, realigned, bytesIn, bytesOut, bytesCloned, bytesCopied, wallMs },
    ...{ bytesRewritten, rowGroups, peakMemoryBytes: peak.memoryBytes, peakRssBytes: peak.rssBytes, output, verified },
  };
}

function summary(figures: MergeFigures, output: string): string {
  const shape = `${formatCount(figures.columns)} columns x ${formatCount(figures.rows)} rows`;
  if (figures.alreadyMerged) return `${output} holds these ${figures.files} files already: ${shape}; nothing to do`;
  const rewritten = figures.bytesRewritten === undefined ? '' : `, ${formatBytes(figures.bytesRewritten)}`;
  const how = figures.realigned === 0 ? 'all aligned' : `${figures.realigned} of them aligned first${rewritten}`;
  const size = `${formatBytes(figures.bytesOut)} (${sharingOf(figures)})`;
  const checked = figures.verified === 'none' ? 'not verified' : `verified (${figures.verified})`;
  return `merged ${figures.files} files (${how}) into ${output}: ${shape}${rowGroupsText(figures)}, ${size}, ${checked}, in ${formatDuration(figures.wallMs)}`;
}

/** What the plan chose, so that the fewest bytes are rewritten, or what was asked for. */
function rowGroupsText({ rowGroups }: MergeFigures): string {
  if (rowGroups === undefined) return '';
  const { count, rowsMost } = rowGroups;
  return count === 1 ? ' in 1 row group' : ` in ${count} row groups of up to ${formatCount(rowsMost)} rows`;
}
