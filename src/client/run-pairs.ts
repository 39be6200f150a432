import type { Client } from '@temporalio/client';
import type { PairRequest, PivotRequest, RunProgress } from '../payloads.ts';
import { MESSAGES } from '../contract.ts';
import type { MergePairsInput } from '../workflows/inputs.ts';
import { whyRefused } from '../workflows/notes.ts';
import { readInput, readMemo } from './describe-run.ts';
import { RunError } from './errors.ts';
import { queryProgress } from './read-status.ts';
import type { Unanswered } from './read-status.ts';

/** `confirmed` is true where the run has taken the message, and false where it does not answer: then with the reason. */
export type Delivery<T> = { sent: T; confirmed: true } | ({ sent: T; confirmed: false } & Unanswered);

/**
 * Sends a message about a pair (none is the whole run) and finds out whether the run has refused it: a signal alone has
 * no answer. Throws RunError `notFound` before sending where the run has no such pair, and `refused` where it says so
 * itself. What only the pair's own workflow can refuse (to skip what is published) still stands in the notes alone.
 */
export async function deliver<T>(
  client: Client,
  name: string,
  message: keyof typeof MESSAGES,
  request: Partial<PairRequest & PivotRequest>,
  send: () => Promise<T>,
): Promise<Delivery<T>> {
  const { open } = await readMemo(client, name);
  const before = await queryProgress(client, name);
  if (request.pair !== undefined) await requirePair(client, name, request.pair, open, before.progress);
  const sent = await send();
  // What a closed run answers to is said by `send` itself.
  if (!open) return { sent, confirmed: true };
  if (before.progress === null) return unconfirmed(sent, before);
  const after = await queryProgress(client, name);
  if (after.progress === null) return unconfirmed(sent, after);
  for (const note of addedNotes(before.progress, after.progress)) {
    const why = whyRefused(note, MESSAGES[message], request);
    if (why !== null) throw new RunError('refused', `run ${name} refuses this: ${why}`);
  }
  return { sent, confirmed: true };
}

function unconfirmed<T>(sent: T, { why, advice }: Unanswered): Delivery<T> {
  return { sent, confirmed: false, why, advice };
}

/** Does nothing where nobody can tell yet: a pattern whose folders have not been listed. */
async function requirePair(
  client: Client,
  name: string,
  pair: string,
  open: boolean,
  progress: RunProgress | null,
): Promise<void> {
  const input = await readInput(client, name);
  const pairs = pairsOf(input, open, progress);
  if (pairs.length > 0 && !pairs.includes(pair)) throw noSuchPair(name, pair, pairs, open && input.only !== undefined);
}

/** By the run itself, else by what it was started with; empty where neither says. */
function pairsOf({ config, only, carried }: MergePairsInput, open: boolean, progress: RunProgress | null): string[] {
  const configured = Array.isArray(config.pairs) ? config.pairs : [];
  // A retry restricts the run that is on; once it has ended, the next one may be for any pair.
  if (only && !open) return configured;
  if (progress && progress.pairs.length > 0) return progress.pairs.map((own) => own.pair);
  if (carried) return carried.pairs.map((own) => (typeof own === 'string' ? own : own.pair));
  return only?.map((own) => own.pair) ?? configured;
}

const NAMES_SHOWN = 30;

/** `restricted`: the run is on, with these of its pairs alone. */
export function noSuchPair(name: string, pair: string, pairs: readonly string[], restricted = false): RunError {
  const more = pairs.length - NAMES_SHOWN;
  const list = pairs.slice(0, NAMES_SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return new RunError(
    'notFound',
    restricted
      ? `run ${name} is on as a retry of ${list}: for ${pair}, wait until it has ended`
      : `run ${name} has no pair ${pair}: it has ${list}`,
  );
}

/** The list is bounded: what was there before may have moved out at its beginning. */
function addedNotes(before: RunProgress, after: RunProgress): string[] {
  const added = (after.notesEver ?? NaN) - (before.notesEver ?? NaN);
  // Below 0 it is another run by now.
  if (added >= 0) return after.notes.slice(Math.max(0, after.notes.length - added));
  // An older worker does not count them; with a list full of equal notes nobody can tell.
  const gone = before.notes.findIndex((_, start) =>
    before.notes.slice(start).every((note, i) => note === after.notes[i]),
  );
  return gone === -1 ? [...after.notes] : after.notes.slice(before.notes.length - gone);
}
