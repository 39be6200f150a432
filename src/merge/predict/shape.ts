import type { VerifyMode } from '../../contract.ts';

/** What a pair's memory, time and disk follow from. */
export interface PairShape {
  files: number;
  /** Of the output, the key included. */
  columns: number;
  rows: number;
  rowGroups: number;
  /** Files that are rewritten first. */
  realigned: number;
  /** That many at least: footers alone do not tell. */
  realignedAtLeast?: boolean;
  verify: VerifyMode;
  /** Of the checkpoints on disk. */
  bytesIn: number;
}

/** What a pair is merged on. */
export interface Machine {
  /** Limit of a merge, bytes. */
  memoryBytes: number;
  cores: number;
  /** Its name: a measured curve is of one machine. */
  host: string;
}

export const valuesOf = ({ rows, columns }: Pick<PairShape, 'rows' | 'columns'>): number => rows * columns;

/** 0 where all are aligned, 1 where none is. */
export const realignedShare = ({ files, realigned }: Pick<PairShape, 'files' | 'realigned'>): number =>
  files === 0 ? 0 : realigned / files;
