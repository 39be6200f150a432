import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { readStatus } from '../client/read-status.ts';
import type { RunStatus } from '../client/read-status.ts';
import type { PairProgress } from '../contract.ts';
import { changeLines, runLines } from './run-view.ts';
import type { Display } from './terminal.ts';

/** Often enough to see a heartbeat soon, seldom enough not to load the server. */
const POLL_MS = 700;

/**
 * Shows a run until `until` settles: a table that is redrawn on a terminal, a line for each change elsewhere. The
 * server's passing silence (a restart) is waited out.
 */
export async function followRun(
  client: Client,
  name: string,
  display: Display,
  until: Promise<unknown>,
  onStatus: (status: RunStatus) => void = () => undefined,
): Promise<void> {
  const state = { over: false };
  const onEnd = (): void => {
    state.over = true;
  };
  const ended = until.then(onEnd, onEnd);
  let before: PairProgress[] = [];
  let remark: string | null = null;
  const seenNotes = new Set<string>();
  for (;;) {
    // Asked before the last look, so that the end itself is shown.
    const isLast = state.over;
    const status = await readStatus(client, name).catch(() => null);
    if (status === null) display.draw([`${name}: the Temporal server does not answer; waiting for it`]);
    else {
      if (!display.live) {
        for (const line of changeLines(before, status.progress.pairs)) display.line(line);
        if (status.remark !== null && status.remark !== remark) display.line(status.remark);
        for (const note of status.progress.notes) if (!seenNotes.has(note)) display.line(note);
        for (const note of status.progress.notes) seenNotes.add(note);
      }
      display.draw(runLines(status, display.height()));
      before = status.progress.pairs;
      remark = status.remark;
      onStatus(status);
    }
    if (isLast) return;
    await Promise.race([ended, delay(POLL_MS)]);
  }
}
