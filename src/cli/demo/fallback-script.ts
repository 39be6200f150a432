import { setTimeout as delay } from 'node:timers/promises';
import { formatDollars, parseDollars } from '../../budget/money.ts';
import { monthOf } from '../../budget/month.ts';
import { raiseBudget, readLedger } from '../../client/budget.ts';
import type { RunStatus } from '../../client/read-status.ts';
import { signalPivot, signalRetry } from '../../client/signals.ts';
import type { PairProgress } from '../../payloads.ts';
import { budgetLines, raiseLines } from '../budget-view.ts';
import type { FallbackStage } from './fallback.ts';
import type { DemoScript, ScriptParts } from './play.ts';

/** Pairs after which one is pivoted. */
const PIVOT_AFTER = 2;
const RAISED_TO = '0.05';
/** Long enough to be read. */
const HOLD_MS = 2_000;

/**
 * What happens to the run of `demo --fallback`: a waiting pair is pivoted by signal; when the budget ends, it is raised,
 * and the pairs that were set aside for want of money are tried again.
 */
export class FallbackScript implements DemoScript {
  readonly #parts: ScriptParts<FallbackStage>;
  /** One after the other: raising comes before retrying. */
  #doing: Promise<void> = Promise.resolve();
  #isPivoted = false;
  #isRaised = false;
  #isMemoryShown = false;
  /** Pair and round, so that each refusal is answered once. */
  readonly #retried = new Set<string>();

  constructor(parts: ScriptParts<FallbackStage>) {
    this.#parts = parts;
  }

  get isOver(): boolean {
    return this.#isPivoted && this.#isRaised && this.#isMemoryShown;
  }

  watch({ progress }: RunStatus): void {
    const { pairs } = progress;
    if (pairs.some(({ backend, state }) => backend === 'bigquery' && state === 'merged')) this.#isMemoryShown = true;
    if (!this.#isPivoted && pairs.filter(({ state }) => state === 'merged').length >= PIVOT_AFTER) {
      this.#isPivoted = true;
      this.#do(() => this.#pivot());
    }
    const refused = pairs.filter(({ state, failure }) => state === 'setAside' && failure === 'BudgetExceeded');
    for (const pair of refused) this.#answer(pair);
  }

  async end(): Promise<void> {
    await this.#doing;
  }

  #answer({ pair, round, reason }: PairProgress): void {
    const refusal = `${pair}/${round}`;
    if (this.#retried.has(refusal)) return;
    this.#retried.add(refusal);
    if (!this.#isRaised) {
      this.#isRaised = true;
      this.#do(() => this.#raise(pair, reason));
    }
    this.#do(() => this.#retry(pair));
  }

  #do(action: () => Promise<void>): void {
    this.#doing = this.#doing.then(action).catch((error: unknown) => this.#parts.fail(error));
  }

  async #pivot(): Promise<void> {
    const { client, stage } = this.#parts;
    const pair = stage.wide.at(-1)!;
    this.#say(`signal: pivotBackend ${pair} to local, which needs little memory: it is not to go to BigQuery`);
    await signalPivot(client, stage.config.name, { backend: 'local', pair });
  }

  async #raise(pair: string, reason: string | null): Promise<void> {
    const { client, stage } = this.#parts;
    this.#say(`the budget has stopped ${pair}: ${reason ?? ''}`);
    const ledger = await readLedger(client, stage.project);
    this.#say(budgetLines(ledger, monthOf(Date.now()))[0]!);
    await delay(HOLD_MS);
    const toNanos = parseDollars(RAISED_TO)!;
    this.#say(`update: raise the budget to ${formatDollars(toNanos)}`);
    for (const line of raiseLines(stage.project, await raiseBudget(client, stage.project, { toNanos })).slice(0, -1))
      this.#say(line);
  }

  async #retry(pair: string): Promise<void> {
    const { client, stage } = this.#parts;
    this.#say(`signal: retryPair ${pair}`);
    await signalRetry(client, stage.config.name, { pair });
  }

  #say(text: string): void {
    this.#parts.display.line(`>>> ${text}`);
  }
}
