/** What a contender's runs come to, and how the others stand against widemerge. Pure. */
import type { Measurement } from './measure.ts';
import { spreadOf, type Spread } from './statistics.ts';

export interface Entry {
  id: string;
  name: string;
  runs: Measurement[];
}

export interface Summary {
  id: string;
  name: string;
  /** Milliseconds; of the runs that ended well, and null where one did not. */
  wallMs: Spread | null;
  /** The highest of all runs. */
  peakBytes: number;
  /** The first run that did not end well. */
  failure: Measurement | null;
}

/** Null of a contender that never ran. */
export function summarise({ id, name, runs }: Entry): Summary | null {
  if (runs.length === 0) return null;
  const failure = runs.find(({ outcome }) => outcome !== 'succeeded') ?? null;
  return {
    ...{ id, name, failure },
    wallMs: failure === null ? spreadOf(runs.map(({ wallMs }) => wallMs)) : null,
    peakBytes: Math.max(...runs.map(({ peakBytes }) => peakBytes)),
  };
}

/** Ids of what is no peer; the third has no verified merge's promise. */
export const YARDSTICK = 'cat';
export const OURS = 'widemerge-bytes';
export const UNVERIFIED = 'widemerge-none';
const isPeer = ({ id }: Summary): boolean => id !== YARDSTICK && !id.startsWith('widemerge-');

export interface Standing {
  /** The fastest of those that ended well in each of their runs; null where none did. */
  fastest: Summary | null;
  /** How many times as long, and as much memory, it took. */
  timeRatio: number | null;
  /** The same of the unverified merge, where that was run: no peer verifies anything. */
  unverifiedTimeRatio: number | null;
  memoryRatio: number | null;
  peers: number;
  /** How many of them did not end well. */
  lost: number;
}

/** Null where no peer, or not the verified merge, was run, or that failed. */
export function standingOf(summaries: readonly Summary[]): Standing | null {
  const own = summaries.find(({ id }) => id === OURS);
  const unverified = summaries.find(({ id }) => id === UNVERIFIED);
  const peers = summaries.filter(isPeer);
  if (own?.wallMs == null || peers.length === 0) return null;
  const done = peers.filter((peer) => peer.wallMs !== null);
  const fastest = done.toSorted((a, b) => a.wallMs!.median - b.wallMs!.median)[0] ?? null;
  return {
    fastest,
    timeRatio: fastest === null ? null : fastest.wallMs!.median / own.wallMs.median,
    unverifiedTimeRatio:
      fastest === null || unverified?.wallMs == null ? null : fastest.wallMs!.median / unverified.wallMs.median,
    memoryRatio: fastest === null ? null : fastest.peakBytes / own.peakBytes,
    peers: peers.length,
    lost: peers.length - done.length,
  };
}
