import type { BackendName, PairProgress, PairState, RunProgress, RunResult } from '../contract.ts';
import { MESSAGES } from '../contract.ts';
import type { CarriedRun, PairOutcome, RunSummary } from './inputs.ts';
import { compactPair, expandPair, FIGURES_KEPT } from './carried-pair.ts';
import type { PairEntry } from './pair-entry.ts';
import { pristine } from './pair-entry.ts';
import { quote, readPair, readPause, readPivot } from './requests.ts';
import { oneLine } from './route.ts';

export interface Forwarded {
  signal: string;
  request: unknown;
}

const NOTES_KEPT = 20;
/**
 * The state of a run and what messages do to it: plain synchronous code, free of Temporal.
 *
 * Messages that come before the pairs are known are kept and applied then. What concerns the running pair goes to
 * `outbox`, which the workflow empties into the child.
 */
export class RunState {
  readonly name: string;
  readonly startedAt: string;
  paused = false;
  outbox: Forwarded[] = [];
  private entries: PairEntry[] | null = null;
  private byName = new Map<string, PairEntry>();
  private early: (() => void)[] = [];
  private notes: string[] = [];
  private running: PairEntry | null = null;
  private done = false;
  private newlyMerged = 0;
  private mergedMs = 0;
  private eta: string | null = null;

  constructor(name: string, startedAt: string) {
    this.name = name;
    this.startedAt = startedAt;
  }

  setPairs(entries: PairEntry[]): void {
    this.entries = entries;
    this.byName = new Map(entries.map((entry) => [entry.progress.pair, entry]));
    for (const apply of this.early.splice(0)) apply();
  }

  restore(carried: CarriedRun): void {
    this.paused = carried.paused;
    this.notes = carried.notes;
    this.newlyMerged = carried.newlyMerged;
    this.mergedMs = carried.mergedMs;
    this.setPairs(carried.pairs.map(expandPair));
  }

  carry(epoch: number, searchAttributes: boolean): CarriedRun {
    this.dropOldFigures();
    return {
      pairs: this.pairs().map(compactPair),
      startedAt: this.startedAt,
      epoch,
      searchAttributes,
      paused: this.paused,
      notes: this.notes,
      newlyMerged: this.newlyMerged,
      mergedMs: this.mergedMs,
    };
  }

  note(text: string): void {
    this.notes = [...this.notes, oneLine(text, 300)].slice(-NOTES_KEPT);
  }

  nextWaiting(): PairEntry | null {
    return this.pairs().find((entry) => entry.progress.state === 'waiting') ?? null;
  }

  begin(entry: PairEntry): void {
    this.running = entry;
    entry.progress = { ...entry.progress, state: 'discovering', reason: null, failure: null };
  }

  /** What the child says while it runs; late words of an earlier child, and what is no report at all, are dropped. */
  report(progress: unknown): void {
    if (this.running !== null && isReport(progress, this.running.progress.pair)) this.running.progress = progress;
  }

  /** `nowMs` is the workflow's clock. */
  finish(entry: PairEntry, outcome: PairOutcome, nowMs: number): void {
    const { workedMs, notes, ...progress } = outcome;
    entry.progress = progress;
    entry.pivot = null;
    this.running = null;
    this.outbox = [];
    for (const note of notes) this.note(note);
    if (progress.state === 'merged' && workedMs !== null) {
      this.newlyMerged += 1;
      this.mergedMs += workedMs;
    }
    const left = this.pairs().filter((other) => other.progress.state === 'waiting').length;
    const meanMs = this.newlyMerged === 0 ? null : this.mergedMs / this.newlyMerged;
    this.eta = meanMs === null || left === 0 ? null : new Date(nowMs + meanMs * left).toISOString();
  }

  end(): void {
    this.done = true;
    this.eta = null;
  }

  pause(request: unknown): void {
    this.paused = true;
    this.forward(MESSAGES.pause, readPause(request));
  }

  resume(): void {
    this.paused = false;
    this.forward(MESSAGES.resume, {});
  }

  pivot(request: unknown): void {
    const pivot = readPivot(request);
    if ('error' in pivot) {
      this.refuse(MESSAGES.pivotBackend, pivot.error);
      return;
    }
    this.whenPairsAreKnown(() => {
      if (pivot.pair === null) {
        for (const entry of this.pairs()) if (entry.progress.state === 'waiting') this.choose(entry, pivot.backend);
        this.forward(MESSAGES.pivotBackend, pivot);
        return;
      }
      const entry = this.entry(MESSAGES.pivotBackend, pivot.pair);
      if (!entry) return;
      if (entry === this.running) this.forward(MESSAGES.pivotBackend, pivot);
      else if (entry.progress.state === 'merged') this.refuse(MESSAGES.pivotBackend, `${pivot.pair} is merged`);
      else this.choose(entry, pivot.backend);
    });
  }

  skip(request: unknown): void {
    this.withPair(MESSAGES.skipPair, request, (entry) => {
      if (entry === this.running) {
        this.forward(MESSAGES.skipPair, {});
      } else if (entry.progress.state === 'waiting' || entry.progress.state === 'setAside') {
        entry.progress = { ...entry.progress, state: 'skipped', reason: 'skipped by the operator', failure: null };
      } else {
        this.refuse(MESSAGES.skipPair, `${entry.progress.pair} is ${entry.progress.state}`);
      }
    });
  }

  retry(request: unknown): void {
    this.withPair(MESSAGES.retryPair, request, (entry) => {
      const { pair, state, round } = entry.progress;
      if (entry === this.running || (state !== 'setAside' && state !== 'skipped')) {
        this.refuse(MESSAGES.retryPair, `${pair} is ${state}: only what was set aside or skipped can be retried`);
        return;
      }
      entry.progress = { ...pristine(pair), backend: entry.pivot, round: round + 1 };
    });
  }

  /** A message of a name that nobody knows. */
  unknown(name: string): void {
    this.note(`refused: no message ${quote(name)}`);
  }

  progress(): RunProgress {
    this.dropOldFigures();
    return {
      name: this.name,
      state: this.done ? 'done' : this.paused ? 'paused' : 'running',
      startedAt: this.startedAt,
      eta: this.paused ? null : this.eta,
      pairs: this.pairs().map((entry) => entry.progress),
      notes: this.notes,
    };
  }

  summary(): RunSummary {
    const counts: RunSummary['counts'] = {};
    const rounds: Record<string, number> = {};
    for (const { progress } of this.pairs()) {
      counts[progress.state] = (counts[progress.state] ?? 0) + 1;
      if (progress.round > 0) rounds[progress.pair] = progress.round;
    }
    const { state, startedAt } = this.progress();
    return { state, startedAt, running: this.running?.progress.pair ?? null, counts, rounds };
  }

  result(): RunResult {
    const named = (state: PairState): string[] =>
      this.pairs().flatMap(({ progress }) => (progress.state === state ? [progress.pair] : []));
    const setAside = this.pairs().flatMap(({ progress: { pair, state, failure, reason } }) =>
      state === 'setAside' ? [{ pair, failure, reason: reason ?? '' }] : [],
    );
    const skipped = named('skipped');
    const nothingToDo = this.newlyMerged === 0 && setAside.length === 0 && skipped.length === 0;
    return { name: this.name, merged: named('merged'), setAside, skipped, nothingToDo };
  }

  private pairs(): PairEntry[] {
    return this.entries ?? [];
  }

  private whenPairsAreKnown(apply: () => void): void {
    if (this.entries === null) this.early.push(apply);
    else apply();
  }

  private withPair(message: string, request: unknown, apply: (entry: PairEntry) => void): void {
    const pair = readPair(request);
    if (pair === null) {
      this.refuse(message, `it names no pair: ${quote(request)}`);
      return;
    }
    this.whenPairsAreKnown(() => {
      const entry = this.entry(message, pair);
      if (entry) apply(entry);
    });
  }

  private entry(message: string, pair: string): PairEntry | null {
    const entry = this.byName.get(pair) ?? null;
    if (entry === null) this.refuse(message, `no pair ${quote(pair)} in this run`);
    return entry;
  }

  private refuse(message: string, why: string): void {
    this.note(`refused: ${message}: ${why}`);
  }

  private choose(entry: PairEntry, backend: BackendName): void {
    entry.pivot = backend;
    if (entry.progress.state === 'waiting') entry.progress = { ...entry.progress, backend };
  }

  private forward(signal: string, request: unknown): void {
    if (this.running) this.outbox.push({ signal, request });
  }

  /** A run of thousands of pairs stays within the size of a payload: figures are kept of the latest ones. */
  private dropOldFigures(): void {
    const withFigures = this.pairs().filter(({ progress }) => progress.figures !== null);
    for (const entry of withFigures.slice(0, -FIGURES_KEPT)) entry.progress = { ...entry.progress, figures: null };
  }
}

/** Any command line can send a signal of this name; one that throws would hold the run for good. */
function isReport(value: unknown, pair: string): value is PairProgress {
  if (typeof value !== 'object' || value === null) return false;
  const { pair: named, state } = value as Partial<PairProgress>;
  return named === pair && typeof state === 'string';
}
