import type { BackendName, PairState } from '../contract.ts';
import type { PairProgress, RunConfig, RunProgress, RunResult } from '../payloads.ts';
import { Canary } from './canary.ts';
import type { CarriedRun, PairOutcome, RunSummary } from './inputs.ts';
import { compactPair, expandPair, FIGURES_KEPT } from './carried-pair.ts';
import type { PairEntry } from './pair-entry.ts';
import { addNote } from './notes.ts';
import { mayBegin, waitsForBigquery } from './who-next.ts';

export interface Forwarded {
  signal: string;
  request: unknown;
}

/**
 * The state of a run: its pairs, and what becomes of them. Plain synchronous code, free of Temporal; what operators'
 * messages do to it stands in run-messages.ts.
 *
 * Messages that come before the pairs are known are kept and applied then. What concerns a running pair goes to its
 * outbox, which the workflow empties into the child.
 */
export class RunState {
  readonly name: string;
  readonly startedAt: string;
  canary: Canary;
  paused = false;
  /** Pairs that have ended so far, in this part of the run. */
  ended = 0;
  private readonly config: Pick<RunConfig, 'canary' | 'limits'>;
  /** The pairs that have a child, with what is to be told to it, in the order in which they began. */
  private open = new Map<PairEntry, Forwarded[]>();
  private entries: PairEntry[] | null = null;
  private byName = new Map<string, PairEntry>();
  private early: (() => void)[] = [];
  private notes: string[] = [];
  private notesEver = 0;
  private done = false;
  private newlyMerged = 0;
  private mergedMs = 0;
  private eta: string | null = null;

  constructor(config: Pick<RunConfig, 'name' | 'canary' | 'limits'>, startedAt: string) {
    this.config = config;
    this.name = config.name;
    this.startedAt = startedAt;
    this.canary = new Canary(config);
  }

  setPairs(entries: PairEntry[]): void {
    this.entries = entries;
    this.byName = new Map(entries.map((entry) => [entry.progress.pair, entry]));
    for (const apply of this.early.splice(0)) apply();
  }

  restore(carried: CarriedRun): void {
    this.paused = carried.paused;
    this.notes = carried.notes;
    this.notesEver = carried.notesEver ?? carried.notes.length;
    this.newlyMerged = carried.newlyMerged;
    this.mergedMs = carried.mergedMs;
    this.canary = new Canary(this.config, carried.canary);
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
      notesEver: this.notesEver,
      newlyMerged: this.newlyMerged,
      mergedMs: this.mergedMs,
      ...(this.canary.report && { canary: this.canary.report }),
    };
  }

  note(text: string): void {
    this.notes = addNote(this.notes, text);
    this.notesEver += 1;
  }

  nextWaiting(): PairEntry | null {
    return this.pairs().find((entry) => entry.progress.state === 'waiting') ?? null;
  }

  /** Neither a pair that waits nor one that runs is left. */
  isOver(): boolean {
    return this.open.size === 0 && this.nextWaiting() === null;
  }

  get openPairs(): number {
    return this.open.size;
  }

  isRunning(entry: PairEntry): boolean {
    return this.open.has(entry);
  }

  /** The pair that may begin now, or null. */
  nextToBegin(backends: readonly BackendName[], sideBySide: number): PairEntry | null {
    const next = this.paused ? null : this.nextWaiting();
    if (next === null || this.canary.holdsBack(this.open.size)) return null;
    const open = Array.from(this.open.keys(), ({ progress }) => progress);
    return mayBegin(open, next.pivot ?? backends[0]!, sideBySide) ? next : null;
  }

  begin(entry: PairEntry): void {
    this.open.set(entry, []);
    entry.progress = { ...entry.progress, state: 'discovering', reason: null, failure: null };
  }

  /** What the child says while it runs; late words of an earlier child, and what is no report at all, are dropped. */
  report(progress: unknown): void {
    for (const entry of this.open.keys()) {
      if (!isReport(progress, entry.progress.pair)) continue;
      const isNews = waitsForBigquery(progress) && !waitsForBigquery(entry.progress);
      entry.progress = progress;
      if (isNews) this.note(`BigQuery is unavailable: ${progress.pair} waits for it, and no other pair begins there`);
    }
  }

  /** `nowMs` is the workflow's clock. */
  finish(entry: PairEntry, outcome: PairOutcome, nowMs: number): void {
    const { workedMs, notes, ...progress } = outcome;
    entry.progress = progress;
    entry.pivot = null;
    this.open.delete(entry);
    this.ended += 1;
    for (const note of notes) this.note(note);
    if (progress.state === 'merged' && workedMs !== null) {
      this.newlyMerged += 1;
      this.mergedMs += workedMs;
    }
    const left = this.pairs().filter((other) => other.progress.state === 'waiting').length;
    const meanMs = this.newlyMerged === 0 ? null : this.mergedMs / this.newlyMerged;
    this.eta = meanMs === null || left === 0 ? null : new Date(nowMs + meanMs * left).toISOString();
    this.canary.hear(progress, this.config.limits.memoryBytes, left);
  }

  /** Its child has ended without an outcome, and so does the run. */
  abandon(entry: PairEntry): void {
    this.open.delete(entry);
  }

  end(): void {
    this.done = true;
    this.eta = null;
  }

  progress(): RunProgress {
    this.dropOldFigures();
    return {
      name: this.name,
      state: this.stateNow(),
      startedAt: this.startedAt,
      eta: this.stateNow() === 'running' ? this.eta : null,
      pairs: this.pairs().map((entry) => entry.progress),
      notes: this.notes,
      notesEver: this.notesEver,
      ...(this.canary.report && { canary: this.canary.report }),
    };
  }

  /** A pause is said first: an approval alone would not let the run go on. */
  private stateNow(): RunProgress['state'] {
    if (this.done) return 'done';
    if (this.paused) return 'paused';
    return this.canary.isAwaitingApproval ? 'awaitingApproval' : 'running';
  }

  summary(): RunSummary {
    const counts: RunSummary['counts'] = {};
    const rounds: Record<string, number> = {};
    for (const { progress } of this.pairs()) {
      counts[progress.state] = (counts[progress.state] ?? 0) + 1;
      if (progress.round > 0) rounds[progress.pair] = progress.round;
    }
    const { state, startedAt } = this.progress();
    const { report, isAwaitingApproval } = this.canary;
    const asked = report !== null && isAwaitingApproval && !this.done;
    return { state, startedAt, running: this.runningNames(), counts, rounds, ...(asked && { canary: report }) };
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

  /** None until they are known. */
  pairs(): PairEntry[] {
    return this.entries ?? [];
  }

  find(pair: string): PairEntry | null {
    return this.byName.get(pair) ?? null;
  }

  /** Hands a message to the running pairs, or to one; without any it has nobody to reach. */
  forward(signal: string, request: unknown, only?: PairEntry): void {
    for (const [entry, outbox] of this.open) if (only === undefined || entry === only) outbox.push({ signal, request });
  }

  /** What is to be told to a running pair, oldest first; its child's forwarder empties it. */
  outboxOf(pair: string): Forwarded[] {
    const entry = this.find(pair);
    return (entry && this.open.get(entry)) ?? [];
  }

  private runningNames(): string | null {
    const names = Array.from(this.open.keys(), ({ progress }) => progress.pair);
    return names.length === 0 ? null : names.join(', ');
  }

  whenPairsAreKnown(apply: () => void): void {
    if (this.entries === null) this.early.push(apply);
    else apply();
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
