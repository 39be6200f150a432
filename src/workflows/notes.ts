import { oneLine } from './route.ts';

const NOTES_KEPT = 20;
const NOTE_LIMIT = 300;

/** Adds a note as one line; the list stays short, the newest last. */
export function addNote(notes: readonly string[], text: string): string[] {
  return [...notes, oneLine(text, NOTE_LIMIT)].slice(-NOTES_KEPT);
}

/** The note of a message that was refused; a client knows it by its beginning, `refusal(message, '')`. */
export const refusal = (message: string, why: string): string => `refused: ${message}: ${why}`;
