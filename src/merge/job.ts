import type { BackendName, CleanMode, MergeKey, RowsMode, VerifyMode } from '../contract.ts';
import type { EngineCommand, FailureFacts, MergeFigures, WhyCopied } from '../payloads.ts';

/**
 * What a merge process is asked to do, and what it says: one JSON line in, JSON lines out.
 *
 * The parent writes a MergeJob as one line to the child's standard input and leaves it open (its end tells the child
 * that its guard is gone, and the child ends itself); the child writes MergeMessages to file descriptor 3.
 */
export interface MergeJob {
  /** In this order; each is idempotent and resumes from what is on disk. */
  steps: MergeStep[];
  source: {
    /** Folder of the checkpoints, absolute. */
    dir: string;
    /** Where set, nothing that resolves outside of this folder is read. */
    root: string | null;
    /** Glob over file names, e.g. `*.parquet`. */
    pattern: string;
    expected: number | null;
  };
  output: {
    /** Final path, absolute. Working files live beside it, in workspacePath(output). */
    path: string;
    /** An output of other inputs may be replaced. */
    replace: boolean;
  };
  /** The result is left elsewhere: what is at the output's path does not matter to it. */
  elsewhere?: boolean;
  key: MergeKey;
  rows: RowsMode;
  reference: string | null;
  /** Rows of each row group of the output but the last, for the engines `stitch` and `bigquery`; where missing, the most bytes of the checkpoints decide. */
  rowGroupRows?: number;
  /**
   * `stitch` copies aligned column chunks; `duckdb` is the plain SQL join of all files; `bigquery` stitches the parts that
   * the service has merged; the others are programs of their own, run by `command`.
   */
  engine: 'stitch' | 'duckdb' | 'bigquery' | CommandEngine;
  /** For the step `merge` of a CommandEngine. `under` is a program, with its arguments, that starts it. */
  command?: EngineCommand & { under?: string[] };
  verify: VerifyMode;
  /** What the step `clean` does with the checkpoints; they are kept where it is missing. */
  clean?: CleanMode;
  /** The step `clean` outside of a run: the output is read against its manifest again first. With `dryRun` nothing is removed. */
  cleanAlone?: { dryRun: boolean };
  /** For the step `recheck`: the published output is compared with its checkpoints in `source.dir`, too, and not with its manifest alone. */
  recheckSources?: boolean;
  /** Where the same inputs are merged already and some are still there: read the output against its manifest again. */
  recheckPublished?: boolean;
  /** Memory that the whole process may take, bytes; DuckDB gets a part of it. */
  memoryBytes: number;
}

/** Engines that are programs of their own. */
export type CommandEngine = 'polars' | 'dask' | 'pandas' | 'command';

/** `survey`, `clean` and `recheck` belong in jobs of their own: a job stops early where the same inputs have been merged before. */
export type MergeStep = 'survey' | 'discover' | 'prepare' | 'merge' | 'verify' | 'publish' | 'clean' | 'recheck';

/** Whether nothing is written, so that no lock is needed. */
export const onlyReads = ({ steps, cleanAlone }: MergeJob): boolean =>
  steps.includes('survey') || steps.includes('recheck') || cleanAlone?.dryRun === true;

/** What the footers alone say of the checkpoints; no key has been read, so what is aligned is not known. */
export interface Survey {
  files: number;
  /** Of the output: the key, and all other columns of all files. */
  columns: number;
  /** Of the files on disk. */
  bytesIn: number;
  /** The types that occur, in the words of describeType, each with the first place where it does. */
  types: { type: string; file: string; column: string }[];
  /** The compression codecs that occur, by their number in the format, each with the first place where it does. */
  codecs: { codec: number; file: string; column: string }[];
  /** In the order of the files; neighbours alike are one entry. */
  shapes: FileShape[];
  /** Whether the output can share the blocks of the checkpoints; null where that could not be told. */
  sharing: 'cloned' | WhyCopied | null;
  /** Row groups of the output, as far as footers tell: where the keys of files with as many rows are equal. Missing where it is merged already. */
  layout?: SurveyedLayout;
  /** The same inputs are merged already: figures of the output, and no types, codecs or shapes; else null. */
  alreadyMerged: MergeFigures | null;
}

export interface SurveyedLayout {
  rowGroups: { count: number; rowsMost: number };
  /** Files that have them, and those that do not, which are rewritten; of both the bytes. */
  files: number;
  bytes: number;
  otherFiles: number;
  otherBytes: number;
}

/** Neighbouring files with as many rows, and as many columns of each type. */
export interface FileShape {
  /** Name of the first of them. */
  file: string;
  files: number;
  /** Of each file. */
  rows: number;
  /** The columns of the key, in its order. */
  keys: TypeCount[];
  /** Beside the key, of each file. */
  columns: TypeCount[];
}

export interface TypeCount {
  /** Index in `types`. */
  type: number;
  columns: number;
  /** Of byte arrays: bytes of their values in all of these files, estimated where a file does not say; else 0. */
  payloadBytes: number;
}

/** What discovery found, small enough for a workflow's history. */
export interface Discovery {
  files: number;
  rows: number;
  columns: number;
  aligned: number;
  realigned: number;
  bytesIn: number;
  /** Upper estimate of the bytes that the merge needs on the output's disk (parts and output). */
  diskBytes: number;
  /** Of the output; missing where an earlier version discovered the pair, or it is merged already. */
  rowGroups?: number;
  /** Of the machine that discovered it: the limit of a merge, and the peak that is predicted for each backend where it can be; bytes. */
  memory?: { limitBytes: number; predicted: Partial<Record<BackendName, number>> };
  /** The same inputs are merged already: figures of the output, else null. */
  alreadyMerged: MergeFigures | null;
}

/** What lies ready for a backend that merges elsewhere: see staging.ts. */
export interface Prepared {
  checkpoints: number;
  /** Of the output, the key included. */
  columns: number;
  /** Of the output. */
  rows: number;
  /** To be sent: all views, and the spine. */
  bytes: number;
}

/** What the step `recheck` found: the output is right. */
export interface PublishedCheck {
  rows: number;
  columns: number;
  /** Of the output. */
  bytes: number;
  /** Whether its manifest has checksums; without them only names, types, rows and size could be compared with it. */
  hasChecksums: boolean;
  /** Where it was read from (system/disk-reader.ts); null where only its size and id were looked at. */
  medium: 'disk' | 'page cache' | 'memory' | null;
  /** The checkpoints that it was compared with, and how; null where it was not. */
  sources: { files: number; mode: 'bytes' | 'full' } | null;
}

/** What the step `clean` has done. */
export interface CleanReceipt {
  mode: CleanMode;
  /** Files removed by this call, and their bytes. */
  files: number;
  bytes: number;
  /** Files that were not removed although the mode asks for it. */
  keptFiles: number;
  /** The first of them, at most 20, each with its reason: a message does not carry the names of thousands. */
  kept: { file: string; reason: string }[];
  /** Where the removed files are, and the command that brings them back; null where nothing of this output lies in the trash. */
  restore: string | null;
}

export type MergeMessage =
  | { event: 'progress'; step: MergeStep; filesDone: number; filesTotal: number; bytesDone: number; bytesTotal: number }
  | { event: 'surveyed'; survey: Survey }
  | { event: 'discovered'; discovery: Discovery }
  | { event: 'prepared'; prepared: Prepared }
  | { event: 'merged'; figures: MergeFigures }
  | { event: 'verified'; figures: MergeFigures }
  | { event: 'published'; figures: MergeFigures }
  | { event: 'cleaned'; receipt: CleanReceipt }
  | { event: 'rechecked'; check: PublishedCheck }
  | { event: 'failed'; failure: FailureFacts };

export type Progress = Extract<MergeMessage, { event: 'progress' }>;
