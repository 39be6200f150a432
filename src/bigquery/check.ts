/** One question that `widemerge doctor` asks, and its answer. */
import type { BigQueryError } from './error-reasons.ts';
import { mendingLines } from './mending-lines.ts';

export interface Check {
  what: string;
  /** `note`: nothing is wrong, or it could not be found out; something to know. */
  verdict: 'ok' | 'FAIL' | 'note';
  /** One line. */
  says: string;
  /** Lines for a shell, or for the configuration. */
  mend: string[];
}

export const ok = (what: string, says: string): Check => ({ what, verdict: 'ok', says, mend: [] });
export const note = (what: string, says: string): Check => ({ what, verdict: 'note', says, mend: [] });
export const failed = (what: string, error: BigQueryError, mend: string[]): Check => ({
  what,
  verdict: 'FAIL',
  says: error.message,
  mend: mend.length > 0 ? mend : mendingLines(error),
});
