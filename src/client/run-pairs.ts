import type { Client } from '@temporalio/client';
import type { RunProgress } from '../contract.ts';
import { MESSAGES } from '../contract.ts';
import type { MergePairsInput } from '../workflows/inputs.ts';
import { refusal } from '../workflows/notes.ts';
import { readInput, readMemo } from './describe-run.ts';
import { RunError } from './errors.ts';
import { queryProgress } from './read-status.ts';

export interface Delivery<T> {
  sent: T;
  /** True where the run has taken the message; false where no worker runs that could tell. */
  confirmed: boolean;
}

/**
 * Sends a message about a pair (null is the whole run) and finds out whether the run has refused it: a signal alone has
 * no answer. Throws RunError `notFound` before sending where the run has no such pair, and `refused` where it says so
 * itself. What only the pair's own workflow can refuse (to skip what is published) still stands in the notes alone.
 */
export async function deliver<T>(
  client: Client,
  name: string,
  message: keyof typeof MESSAGES,
  pair: string | null,
  send: () => Promise<T>,
): Promise<Delivery<T>> {
  const { open } = await readMemo(client, name);
  const before = await queryProgress(client, name);
  if (pair !== null) await requirePair(client, name, pair, open, before);
  const sent = await send();
  // What a closed run answers to is said by `send` itself.
  if (!open) return { sent, confirmed: true };
  const after = before && (await queryProgress(client, name));
  if (before === null || after === null) return { sent, confirmed: false };
  const beginning = refusal(MESSAGES[message], '');
  const refused = addedNotes(before.notes, after.notes).find((note) => note.startsWith(beginning));
  if (refused !== undefined)
    throw new RunError('refused', `run ${name} refuses this: ${refused.slice(beginning.length)}`);
  return { sent, confirmed: true };
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
function addedNotes(before: readonly string[], after: readonly string[]): string[] {
  const gone = before.findIndex((_, start) => before.slice(start).every((note, i) => note === after[i]));
  return gone === -1 ? [...after] : after.slice(before.length - gone);
}
