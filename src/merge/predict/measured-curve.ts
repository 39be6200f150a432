import type { BackendName, VerifyMode } from '../../contract.ts';
import { realignedShare, valuesOf, type Machine, type PairShape } from './shape.ts';

/** `command` is any program: what one takes says nothing of the next. */
export type MeasuredEngine = Exclude<BackendName, 'command'>;

/** The memory of an engine as `widemerge profile` has measured it on one machine: a line over the values of the output. */
export interface MeasuredCurve {
  engine: MeasuredEngine;
  /** Of widemerge: another one may bring another engine. */
  version: string;
  host: string;
  cores: number;
  /** Limit of the merges, bytes. */
  memoryBytes: number;
  /** ISO 8601. */
  measuredAt: string;
  /** Of the largest point: its rows, the share of its files that were not aligned, and how it was verified. */
  rows: number;
  realignedShare: number;
  verify: VerifyMode;
  /** Values (rows times columns) of the smallest point, and of the largest. */
  leastValues: number;
  mostValues: number;
  /** The lowest peak of all points. */
  leastPeakBytes: number;
  baseBytes: number;
  bytesPerValue: number;
}

/** Columns cost beside their values: the curve of long columns says little of short ones. */
const ROWS_FACTOR = 1.5;
const SHARE_APART = 0.1;
/** So far beyond its last point a line is believed. */
const BEYOND = 4;
/** Dask makes its workers, and lets them spill, by what it may take. */
const MEMORY_FACTOR = 1.5;

/** Of the curves that were measured on this machine with pairs like this one the nearest by its share of realigned files, then the latest; null where there is none. */
export function curveFor(
  curves: readonly MeasuredCurve[],
  engine: BackendName,
  shape: PairShape,
  machine: Machine,
): MeasuredCurve | null {
  const fitting = curves.filter((curve) => curve.engine === engine && isOf(curve, machine) && isLike(curve, shape));
  const apart = (curve: MeasuredCurve): number => Math.abs(curve.realignedShare - realignedShare(shape));
  return fitting.toSorted((a, b) => apart(a) - apart(b) || (a.measuredAt < b.measuredAt ? 1 : -1))[0] ?? null;
}

/** Whether a new curve says again what an old one did, and takes its place. */
export const replaces = (fresh: MeasuredCurve, old: MeasuredCurve): boolean =>
  fresh.engine === old.engine &&
  fresh.host === old.host &&
  fresh.rows === old.rows &&
  fresh.verify === old.verify &&
  fresh.memoryBytes === old.memoryBytes &&
  Math.abs(fresh.realignedShare - old.realignedShare) <= SHARE_APART;

/**
 * Bytes. A line that was fitted to points that bend begins below nothing: before its first point it counts down to a floor only, which is
 * `builtInBytes`, or the lowest measured peak where that is lower.
 */
export function peakBy(curve: MeasuredCurve, shape: PairShape, builtInBytes: number | null): number {
  const values = valuesOf(shape);
  const bytes = curve.baseBytes + curve.bytesPerValue * values;
  if (values >= curve.leastValues) return bytes;
  return Math.max(bytes, Math.min(builtInBytes ?? Infinity, curve.leastPeakBytes));
}

function isOf({ engine, host, cores, memoryBytes }: MeasuredCurve, machine: Machine): boolean {
  if (host !== machine.host || cores !== machine.cores) return false;
  return engine !== 'dask' || isWithin(memoryBytes / machine.memoryBytes, MEMORY_FACTOR);
}

function isLike(curve: MeasuredCurve, shape: PairShape): boolean {
  if (!isWithin(curve.rows / shape.rows, ROWS_FACTOR) || valuesOf(shape) > BEYOND * curve.mostValues) return false;
  // How a stitch is verified shows in its memory; the others are verified by value.
  if (curve.engine === 'local' && curve.verify !== shape.verify) return false;
  const apart = curve.realignedShare - realignedShare(shape);
  return apart >= -SHARE_APART && (shape.realignedAtLeast === true || apart <= SHARE_APART);
}

const isWithin = (ratio: number, factor: number): boolean => ratio <= factor && ratio >= 1 / factor;
