import type { BackendName } from '../../contract.ts';
import { builtInPeakBytes } from './built-in.ts';
import { curveFor, peakBy, type MeasuredCurve } from './measured-curve.ts';
import type { Machine, PairShape } from './shape.ts';

export interface PredictedPeak {
  /** Of the merge's whole process tree: anonymous memory and swap. */
  bytes: number;
  from: 'measured' | 'built in';
}

/** The peak of memory that a pair is expected to take, by a measured curve where there is one; null where nothing is known of the engine. */
export function predictPeak(
  engine: BackendName,
  shape: PairShape,
  machine: Machine,
  curves: readonly MeasuredCurve[],
): PredictedPeak | null {
  const curve = curveFor(curves, engine, shape, machine);
  const bytes = builtInPeakBytes(engine, shape, machine);
  if (curve !== null) return { bytes: Math.max(0, Math.round(peakBy(curve, shape, bytes))), from: 'measured' };
  return bytes === null ? null : { bytes: Math.round(bytes), from: 'built in' };
}
