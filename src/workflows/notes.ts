import { MESSAGES } from '../contract.ts';
import { quote } from './requests.ts';
import { oneLine } from './route.ts';

const NOTES_KEPT = 20;
const NOTE_LIMIT = 300;

/** Adds a note as one line; the list stays short, the newest last. */
export function addNote(notes: readonly string[], text: string): string[] {
  return [...notes, oneLine(text, NOTE_LIMIT)].slice(-NOTES_KEPT);
}

/** The note of a message that was refused. */
export const refusal = (message: string, why: string): string => `refused: ${message}: ${why}`;

/** What a run says of a pair when it refuses; `whyRefused` knows it by this beginning. */
export const pairIs = (pair: string, state: string): string => `${pair} is ${state}`;
export const NOTHING_TO_APPROVE = 'nothing awaits approval';
export const noPair = (pair: string): string => `no pair ${quote(pair)} in this run`;

/** Why the run has refused this very message, where the note says so; null where it is of another kind, pair or backend. */
export function whyRefused(note: string, message: string, request: { pair?: string; backend?: string }): string | null {
  const { pair, backend } = request;
  const whys = [
    ...(pair === undefined ? [] : [pairIs(pair, ''), noPair(pair)]),
    ...(backend === undefined ? [] : [`no backend ${quote(backend)}`]),
    ...(message === MESSAGES.approve ? [NOTHING_TO_APPROVE] : []),
  ];
  // As notes are cut.
  const isMine = whys.some((why) => note.startsWith(oneLine(refusal(message, why), NOTE_LIMIT)));
  return isMine ? note.slice(refusal(message, '').length) : null;
}
