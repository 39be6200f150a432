import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { BackendName } from '../contract.ts';
import { MESSAGES } from '../contract.ts';
import { addNote, refusal } from './notes.ts';
import { readPause, readPivot } from './requests.ts';

/** The running step was stopped by an operator's message; what is on disk stays. */
export class Interrupted extends Error {
  override name = 'Interrupted';
}

/** The operator does not want this pair any more. */
export class SkipRequested extends Error {
  override name = 'SkipRequested';
}

/**
 * What operators want of one pair. Handlers change this state at once; the step that runs is stopped by cancelling its
 * scope, and everything else happens where the workflow looks at the state.
 */
export class PairControl {
  paused: boolean;
  skipped = false;
  /** The operator's choice of backend, in force for the rest of the round. */
  pivot: BackendName | null;
  /** A choice that the merge step has not taken notice of yet. */
  newPivot: BackendName | null = null;
  /** From publishing on there is nothing left to skip. */
  published = false;
  merging = false;
  /** Refused messages, newest last. */
  notes: string[];
  private scope: CancellationScope | null = null;
  private interrupted = false;
  private changes = 0;

  constructor(paused: boolean, pivot: BackendName | null, notes: string[] = []) {
    this.paused = paused;
    this.pivot = pivot;
    this.notes = notes;
  }

  /** Counts messages, so that a wait can end when one comes. */
  get version(): number {
    return this.changes;
  }

  pause(request: unknown): void {
    this.paused = true;
    this.changes += 1;
    if (readPause(request).now === true) this.interrupt();
  }

  resume(): void {
    this.paused = false;
    this.changes += 1;
  }

  pivotBackend(request: unknown): void {
    const pivot = readPivot(request);
    if ('error' in pivot) {
      this.refuse(MESSAGES.pivotBackend, pivot.error);
      return;
    }
    this.pivot = pivot.backend;
    this.newPivot = pivot.backend;
    this.changes += 1;
    if (pivot.now && this.merging) this.interrupt();
  }

  skip(): void {
    if (this.published) {
      this.refuse(MESSAGES.skipPair, 'the pair is published already');
      return;
    }
    this.skipped = true;
    this.changes += 1;
    this.interrupt();
  }

  /** Runs a step so that a message can stop it; throws Interrupted when one did. */
  async interruptible<T>(step: () => Promise<T>): Promise<T> {
    const scope = new CancellationScope();
    this.scope = scope;
    this.interrupted = false;
    try {
      return await scope.run(step);
    } catch (error) {
      // A cancellation of the whole workflow is not the operator's message: it goes through untouched.
      if (this.wasInterrupted() && isCancellation(error)) throw new Interrupted('stopped by a message');
      throw error;
    } finally {
      this.scope = null;
    }
  }

  /** A call, since a handler may have changed the flag while the step ran. */
  private wasInterrupted(): boolean {
    return this.interrupted;
  }

  note(text: string): void {
    this.notes = addNote(this.notes, text);
  }

  private refuse(message: string, why: string): void {
    this.note(refusal(message, why));
  }

  private interrupt(): void {
    this.interrupted = true;
    this.scope?.cancel();
  }
}
