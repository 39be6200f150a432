import * as z from 'zod';
import { command, hookTimeout } from './command-schema.ts';
import { bytesFrom } from './size.ts';
import { PERCENT_PATTERN } from './units.ts';

const threshold = bytesFrom(0);

const PERCENT = { error: 'a percentage, e.g. 50%' };
const percent = z
  .string(PERCENT)
  .regex(PERCENT_PATTERN, PERCENT)
  .transform((text) => Number.parseFloat(text));

/** The section `health`: when a pair waits for the machine. */
export const healthSchema = z.strictObject({
  minFreeMemory: threshold.default(2 ** 30).describe('A pair waits while less is free. Default: 1GiB.'),
  maxSwapUsed: percent.default(50).describe('A pair waits while more of the swap is used. Default: 50%.'),
  minFreeDisk: threshold
    .default(5 * 2 ** 30)
    .describe('Left free on the disk of the output, beside what the merge needs. Default: 5GiB.'),
  maxLoad: z
    .number({ error: 'a load average for each core, e.g. 4' })
    .positive({ error: 'a load average for each core, above 0' })
    .nullable()
    .default(null)
    .describe('A pair waits while the load of the last minute is above it, for each core. null: any load.'),
  command: command
    .nullable()
    .default(null)
    .describe(
      'A check of your own: exit code 0 is healthy, else its first line says why. Run before and after each pair.',
    ),
  timeout: hookTimeout.default(30_000).describe('Longest time of health.command, at most 45s. Default: 30s.'),
});
