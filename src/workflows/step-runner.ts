import { allHandlersFinished, condition, continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { BackendName, FailureType, PairState } from '../contract.ts';
import type { MergeFigures } from '../payloads.ts';
import { failureOf } from './failure-of.ts';
import type { CloudSums, MergePairInput } from './inputs.ts';
import type { mergePair } from './merge-pair.ts';
import { Interrupted, PairControl, SkipRequested } from './pair-control.ts';
import { Notifier } from './notifier.ts';
import { PairReporter } from './pair-reporter.ts';
import type { Decision, PastFailure, RoutePolicy } from './route.ts';
import { chainFrom, describeFailure, evidenceOf, forgive, oneLine, recordFailure, route } from './route.ts';

const WAIT_FIRST_MS = 10_000;
const WAIT_MAX_MS = 120_000;
const REASON_LIMIT = 300;

/** Failures of a merge that did not end by itself. */
const KILLS: readonly FailureType[] = ['MemoryExhausted', 'MergeTimedOut', 'MergeStalled', 'Killed', 'BackendLost'];

/** The pair cannot be merged for now; the others go on. */
export class SetAside extends Error {
  override name = 'SetAside';
  readonly failure: FailureType;
  constructor(failure: FailureType, reason: string) {
    super(reason);
    this.failure = failure;
  }
}

/** Runs the steps of one pair under the operator's messages and the route. */
export class StepRunner {
  readonly control: PairControl;
  readonly reporter: PairReporter;
  readonly notifier: Notifier;
  round: number;
  /** Figures of the output once it is published, of this part of the workflow or one before. */
  published: MergeFigures | null;
  /** Something of the pair may lie on BigQuery. */
  staged: boolean;
  /** Jobs of it may run there, or be unbooked. */
  jobsOpen: boolean;
  readonly billed: CloudSums;
  private readonly input: MergePairInput;
  private mergeFailures: PastFailure[];
  private waits = 0;
  /** That the pair waits for an unhealthy machine has been told, in this wait. */
  private toldUnhealthy: boolean;

  constructor(input: MergePairInput) {
    const { carried, pair, searchAttributes } = input;
    this.input = input;
    this.control = new PairControl(carried?.paused ?? false, carried ? carried.pivot : input.pivot, carried?.notes);
    this.round = carried?.round ?? input.round;
    this.mergeFailures = carried?.failures ?? [];
    this.published = carried?.published ?? null;
    this.staged = carried?.staged ?? false;
    this.toldUnhealthy = carried?.toldUnhealthy ?? false;
    this.jobsOpen = carried?.jobsOpen ?? false;
    this.billed = carried?.billed ?? { query: 0, fetch: 0 };
    this.control.published = this.published !== null;
    this.notifier = new Notifier(input.config, (note) => this.control.note(`${pair}: ${note}`));
    this.reporter = new PairReporter(
      { pair, state: 'waiting', backend: null, reason: null, failure: null, figures: null, round: this.round },
      searchAttributes,
    );
    if (carried?.spentNanos !== undefined) this.reporter.spend(carried.spentNanos);
  }

  /**
   * Runs a step that no other backend would change, until it has succeeded: pauses before it, waits and tries again as
   * the route says, and throws SetAside or SkipRequested where that is the end.
   */
  async step<T>(state: PairState, execute: () => Promise<T>): Promise<T> {
    let failures: PastFailure[] = [];
    return this.untilDone(state, {
      decide: () => route(this.policy([null]), failures),
      execute,
      failed: (failure) => (failures = recordFailure(failures, { backend: null, ...failure })),
    });
  }

  /** The same for the merge, on the backend that the route names. */
  async mergeStep<T>(execute: (backend: BackendName) => Promise<T>): Promise<T> {
    let backend: BackendName | null = null;
    return this.untilDone('merging', {
      decide: () => {
        this.takePivot();
        const chain = chainFrom(this.input.config.backends, this.control.pivot);
        const policy = this.policy(chain);
        const decision = route(policy, this.mergeFailures);
        if (decision.kind !== 'setAside') backend = decision.backend;
        this.reporter.routed(evidenceOf(policy, this.mergeFailures));
        return decision;
      },
      execute: async () => {
        if (backend === null) throw new Error('the route names a backend for every merge');
        this.control.merging = true;
        try {
          return await execute(backend);
        } finally {
          this.control.merging = false;
        }
      },
      failed: (failure) => (this.mergeFailures = recordFailure(this.mergeFailures, { backend, ...failure })),
    });
  }

  private async untilDone<T>(
    state: PairState,
    step: {
      decide: () => ReturnType<typeof route>;
      execute: () => Promise<T>;
      failed: (failure: ReturnType<typeof failureOf>) => void;
    },
  ): Promise<T> {
    let waited = false;
    for (;;) {
      await this.ready(state);
      const decision = step.decide();
      if (decision.kind === 'setAside') throw new SetAside(decision.failure, decision.reason);
      if (decision.kind === 'wait' && !waited) {
        waited = true;
        await this.wait(decision);
        continue;
      }
      const { backend } = decision;
      this.reporter.tell({ state, reason: null, failure: null, ...(backend !== null && { backend }) });
      try {
        const result = await this.control.interruptible(step.execute);
        if (state === 'gated') this.toldUnhealthy = false;
        return result;
      } catch (error) {
        if (error instanceof Interrupted) continue;
        const failure = failureOf(error);
        this.reporter.tellStory(`${state} failed: ${describeFailure({ backend, ...failure })}`);
        this.tellOperator(failure, backend);
        step.failed(failure);
        waited = false;
      }
    }
  }

  private tellOperator({ type, message }: ReturnType<typeof failureOf>, backend: BackendName | null): void {
    const { pair } = this.input;
    const reason = oneLine(message, REASON_LIMIT);
    if (KILLS.includes(type)) this.notifier.tell({ event: 'mergeKilled', pair, failure: type, backend, reason });
    if (type !== 'HostUnhealthy' || this.toldUnhealthy) return;
    this.toldUnhealthy = true;
    this.notifier.tell({ event: 'machineUnhealthy', pair, reason });
  }

  private policy(chain: RoutePolicy['chain']): RoutePolicy {
    const { tuning, config } = this.input;
    // Not said: an earlier version began the run, and went to the next backend.
    const waitsForBigquery = config.bigquery?.whenUnavailable === 'wait';
    return {
      chain,
      waitsForBigquery,
      waitFirstMs: tuning?.waitFirstMs ?? WAIT_FIRST_MS,
      waitMaxMs: tuning?.waitMaxMs ?? WAIT_MAX_MS,
    };
  }

  /** An operator's choice makes a backend eligible again; a new round keeps its old attempts from counting. */
  private takePivot(): void {
    const backend = this.control.newPivot;
    if (backend === null) return;
    this.control.newPivot = null;
    if (this.mergeFailures.some((past) => past.backend === backend)) this.round += 1;
    this.mergeFailures = forgive(this.mergeFailures, backend);
    this.reporter.tell({ round: this.round });
  }

  /** Holds a paused pair before its next step. */
  private async ready(next: PairState): Promise<void> {
    while (!this.control.skipped && this.control.paused) {
      this.reporter.tell({ state: 'paused', reason: `paused by the operator before ${next}` });
      await condition(() => !this.control.paused || this.control.skipped);
    }
    if (this.control.skipped) throw new SkipRequested();
  }

  /** A durable wait that ends early when a message comes. */
  private async wait({ waitMs, reason, backend, failure }: Extract<Decision, { kind: 'wait' }>): Promise<void> {
    const enough = this.waits >= (this.input.tuning?.waitsPerRun ?? Infinity);
    if (enough || workflowInfo().continueAsNewSuggested) await this.continueAsNew();
    this.waits += 1;
    this.reporter.tell({
      state: 'gated',
      reason: `waits: ${reason}`,
      failure: backend === 'bigquery' ? failure : null,
    });
    const { version } = this.control;
    await condition(() => this.control.version !== version, waitMs, { summary: reason });
  }

  /** A pair may wait for weeks until a disk is emptied: its history must not grow without end. */
  private async continueAsNew(): Promise<void> {
    await this.reporter.settled();
    await this.notifier.settled();
    await condition(allHandlersFinished);
    if (this.control.skipped) return;
    this.takePivot();
    const { pivot, paused, notes } = this.control;
    const { mergeFailures: failures, round, published } = this;
    const { spentNanos } = this.reporter.progress;
    const carried = {
      ...{ failures, pivot, paused, round, published, notes },
      ...(this.staged && { staged: true, jobsOpen: this.jobsOpen, billed: this.billed }),
      ...(this.toldUnhealthy && { toldUnhealthy: true }),
      ...(spentNanos !== undefined && { spentNanos }),
    };
    await continueAsNew<typeof mergePair>({ ...this.input, carried });
  }
}
