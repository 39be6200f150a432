import * as z from 'zod';
import { duration } from './duration.ts';

/** Program and arguments: no shell, so that no name can be taken for a command. */
export const command = z
  .array(z.string({ error: 'a word of the command' }), {
    error: 'a list of words, e.g. ["/usr/local/bin/check", "--quick"]',
  })
  .min(1, { error: 'a program, and its arguments' })
  .refine(([program]) => program !== '', { error: 'a program, and its arguments' });

/** The activities that run such a command have a minute. */
export const hookTimeout = duration.refine((ms) => ms <= 45_000, { error: 'a duration of at most 45s' });
