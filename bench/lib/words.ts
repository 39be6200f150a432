/** Figures as tables and plots say them. Pure. */
import type { Shape } from './checkpoints.ts';
import type { Measurement } from './measure.ts';
import type { Spread } from './statistics.ts';

/** Three figures, or all that are before the point: `0.734`, `15.3`, `171`. */
export function seconds(ms: number): string {
  const value = ms / 1000;
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : value >= 0.9995 ? 2 : 3);
}

/** `2.63 (2.41-3.02)`; the median alone where it is all there is. */
export const spreadText = ({ median, least, most }: Spread): string =>
  least === most ? seconds(median) : `${seconds(median)} (${seconds(least)}-${seconds(most)})`;

/** Millions of bytes, with thousands apart. */
export const megabytes = (bytes: number): string => Math.round(bytes / 1e6).toLocaleString('en');

export const ratio = (value: number): string => value.toFixed(value >= 9.95 ? 0 : value >= 0.995 ? 1 : 2);

export const shapeText = ({ files, columns, rows }: Shape): string =>
  [`${count(files)} files`, `${count(columns + 1)} columns x ${count(rows)} rows`].join(', ');

const count = (number: number): string => number.toLocaleString('en');

/** What became of a run that did not end well. */
export function endingText({ outcome, reason, wallMs }: Measurement): string {
  const after = `after ${seconds(wallMs)} s`;
  if (outcome === 'memory-exhausted') return `killed at the limit of memory ${after}`;
  if (outcome === 'timed-out') return `not done ${after}`;
  return `${isOutOfMemory(reason) ? 'gave up for want of memory' : outcome} ${after}`;
}

/** One run, for whoever waits for the next. */
export function runText(run: Measurement): string {
  const ended = run.outcome === 'succeeded' ? `${seconds(run.wallMs)} s` : `${endingText(run)} (${run.reason ?? ''})`;
  return `${ended}, ${megabytes(run.peakBytes)} MB`;
}

const isOutOfMemory = (reason: string | null): boolean =>
  /out.of.memory|MemoryError|bad_alloc|failed to allocate/i.test(reason ?? '');
