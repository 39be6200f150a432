import * as z from 'zod';
import { DURATION_PATTERN, parseDuration } from './units.ts';

const DURATION = { error: 'a duration with its unit, e.g. 30m' };
/** `30m` as people write it; milliseconds. */
export const duration = z
  .string(DURATION)
  .regex(DURATION_PATTERN, DURATION)
  .transform((text, context) => {
    const value = parseDuration(text);
    // Timers of Node and of Temporal end at 2^31 ms.
    if (value !== undefined && value > 0 && value < 2 ** 31) return value;
    context.addIssue({ code: 'custom', message: 'a duration above 0 and below 24 days' });
    return z.NEVER;
  });
