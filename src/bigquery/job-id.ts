import { createHash } from 'node:crypto';

/** What one logical step of a pair is, so that whoever does it again finds its job instead of paying for another. */
export interface JobIdentity {
  /** Minted once a run and carried: the next run of the same name does not find this one's jobs. */
  run: string;
  pair: string;
  /** e.g. `stage checkpoint_0001.parquet`, `merge part 2 of 4`. */
  step: string;
  /** Digest of what the job works on: another content is another job. */
  content: string;
  location: string;
}

/** The service's limit is 1,024 of letters, digits, `_` and `-`. */
const ID_HEX_DIGITS = 40;

/**
 * The id of the step's job. `epoch` counts from 0: it rises where a step wants a new job although its content is the
 * same (an operator's retry, a pivot back, an error of the service's own), so that no old failure is attached to.
 */
export function jobId({ run, pair, step, content, location }: JobIdentity, epoch: number): string {
  const text = JSON.stringify([run, pair, step, content, location.toLowerCase(), epoch]);
  return `widemerge_${createHash('sha256').update(text).digest('hex').slice(0, ID_HEX_DIGITS)}`;
}
