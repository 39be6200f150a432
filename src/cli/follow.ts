import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { readStatus } from '../client/read-status.ts';
import type { RunStatus } from '../client/read-status.ts';
import { isSilence, isStumble, serverStatusOf } from '../client/server-status.ts';
import type { PairProgress } from '../payloads.ts';
import { changeLines, runLines } from './run-view.ts';
import type { Display } from './terminal.ts';

/** Often enough to see a heartbeat soon, seldom enough not to load the server. */
const POLL_MS = 700;

/** A server that takes longer than this has stopped, or is out of reach: the SDK alone would ask on for minutes. */
const ANSWER_MS = 15_000;

/** In a row; the next one is thrown. */
const STUMBLES_PASSED = 2;

/** A closed run is in none of these. */
const OPEN = ['RUNNING', 'PAUSED', 'CONTINUED_AS_NEW'];

/**
 * Shows a run until it has closed, or until `stop` is aborted: a table that is redrawn on a terminal, a line for each
 * change elsewhere. The server's passing silence (a restart) is waited out, and so is a stumble or two; whatever else it
 * answers is thrown. It asks, rather than waits for the result, so that no call is open when it returns: the SDK would
 * try it again on a connection that is closed by then.
 */
export async function followRun(
  client: Client,
  name: string,
  display: Display,
  stop: AbortSignal,
  onStatus: (status: RunStatus) => void = () => undefined,
): Promise<void> {
  const teller = new PlainTeller(display);
  let stumbles = 0;
  while (!stop.aborted) {
    const status = await client
      .withDeadline(Date.now() + ANSWER_MS, () => readStatus(client, name))
      .catch((error: unknown) => {
        const answered = serverStatusOf(error);
        if (answered !== null && isSilence(answered)) return null;
        if (answered !== null && isStumble(answered) && stumbles < STUMBLES_PASSED) return 'stumble';
        throw error;
      });
    stumbles = status === 'stumble' ? stumbles + 1 : 0;
    if (status !== 'stumble') {
      if (!display.live) teller.tell(status);
      display.draw(status === null ? [`${name}: ${SILENCE}`] : runLines(status, display.height()));
      if (status !== null) {
        onStatus(status);
        if (!OPEN.includes(status.workflowStatus)) return;
      }
    }
    await delay(POLL_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}

const SILENCE = 'the Temporal server does not answer; waiting for it';

/** Says what has changed since the last time, a line each. */
class PlainTeller {
  readonly #display: Display;
  #pairs: PairProgress[] = [];
  #remark: string | null = null;
  readonly #notes = new Set<string>();

  constructor(display: Display) {
    this.#display = display;
  }

  tell(status: RunStatus | null): void {
    const remark = status === null ? SILENCE : status.remark;
    if (remark !== null && remark !== this.#remark) this.#display.line(remark);
    this.#remark = remark;
    if (status === null) return;
    for (const line of changeLines(this.#pairs, status.progress.pairs)) this.#display.line(line);
    this.#pairs = status.progress.pairs;
    for (const note of status.progress.notes) {
      if (!this.#notes.has(note)) this.#display.line(note);
      this.#notes.add(note);
    }
  }
}
