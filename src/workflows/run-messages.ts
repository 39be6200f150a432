import type { BackendName } from '../contract.ts';
import { MESSAGES } from '../contract.ts';
import { noPair, NOTHING_TO_APPROVE, pairIs, refusal } from './notes.ts';
import type { PairEntry } from './pair-entry.ts';
import { pristine } from './pair-entry.ts';
import { quote, readPair, readPause, readPivot } from './requests.ts';
import type { RunState } from './run-state.ts';

/**
 * What operators' messages do to a run: plain synchronous code, free of Temporal. What cannot be followed is refused
 * with a note and harms nothing. What concerns a running pair is forwarded to it.
 */
export class RunMessages {
  private readonly state: RunState;

  constructor(state: RunState) {
    this.state = state;
  }

  pause(request: unknown): void {
    this.state.paused = true;
    this.state.forward(MESSAGES.pause, readPause(request));
  }

  resume(): void {
    this.state.paused = false;
    this.state.forward(MESSAGES.resume, {});
  }

  pivot(request: unknown): void {
    const pivot = readPivot(request);
    if ('error' in pivot) {
      this.refuse(MESSAGES.pivotBackend, pivot.error);
      return;
    }
    this.state.whenPairsAreKnown(() => {
      if (pivot.pair === null) {
        for (const entry of this.state.pairs()) if (entry.progress.state === 'waiting') choose(entry, pivot.backend);
        this.state.forward(MESSAGES.pivotBackend, pivot);
        this.answerByPivot(pivot.backend);
        return;
      }
      const entry = this.entry(MESSAGES.pivotBackend, pivot.pair);
      if (!entry) return;
      if (this.state.isRunning(entry)) this.state.forward(MESSAGES.pivotBackend, pivot, entry);
      else if (entry.progress.state === 'merged') this.refuse(MESSAGES.pivotBackend, pairIs(pivot.pair, 'merged'));
      else choose(entry, pivot.backend);
    });
  }

  skip(request: unknown): void {
    this.withPair(MESSAGES.skipPair, request, (entry) => {
      if (this.state.isRunning(entry)) {
        this.state.forward(MESSAGES.skipPair, {}, entry);
      } else if (entry.progress.state === 'waiting' || entry.progress.state === 'setAside') {
        entry.progress = { ...entry.progress, state: 'skipped', reason: 'skipped by the operator', failure: null };
      } else {
        this.refuse(MESSAGES.skipPair, pairIs(entry.progress.pair, entry.progress.state));
      }
    });
  }

  retry(request: unknown): void {
    this.withPair(MESSAGES.retryPair, request, (entry) => {
      const { pair, state, round } = entry.progress;
      if (this.state.isRunning(entry) || (state !== 'setAside' && state !== 'skipped')) {
        this.refuse(MESSAGES.retryPair, `${pairIs(pair, state)}: only what was set aside or skipped can be retried`);
        return;
      }
      entry.progress = { ...pristine(pair), backend: entry.pivot, round: round + 1 };
    });
  }

  approve(): void {
    const { canary } = this.state;
    if (canary.approve()) this.state.note('approved by the operator: the other pairs may begin');
    else this.refuse(MESSAGES.approve, NOTHING_TO_APPROVE);
  }

  /** Another backend for all pairs is an answer, too. */
  private answerByPivot(backend: BackendName): void {
    const { canary } = this.state;
    if (!canary.isAwaitingApproval) return;
    canary.startAgain();
    this.state.note(`goes on with ${backend} instead of an approval: the next pair is the canary`);
  }

  /** A message of a name that nobody knows. */
  unknown(name: string): void {
    this.state.note(`refused: no message ${quote(name)}`);
  }

  private withPair(message: string, request: unknown, apply: (entry: PairEntry) => void): void {
    const pair = readPair(request);
    if (pair === null) {
      this.refuse(message, `it names no pair: ${quote(request)}`);
      return;
    }
    this.state.whenPairsAreKnown(() => {
      const entry = this.entry(message, pair);
      if (entry) apply(entry);
    });
  }

  private entry(message: string, pair: string): PairEntry | null {
    const entry = this.state.find(pair);
    if (entry === null) this.refuse(message, noPair(pair));
    return entry;
  }

  private refuse(message: string, why: string): void {
    this.state.note(refusal(message, why));
  }
}

function choose(entry: PairEntry, backend: BackendName): void {
  entry.pivot = backend;
  if (entry.progress.state === 'waiting') entry.progress = { ...entry.progress, backend };
}
