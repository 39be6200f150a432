import * as z from 'zod';
import { MergeError } from '../backends/backend.ts';
import { LEAST_ROW_GROUP_ROWS, MOST_ROW_GROUP_ROWS } from '../config/rules.ts';
import { BACKENDS, type BackendName } from '../contract.ts';
import type { MergeOptions } from './merge-checkpoints.ts';

const text = z.string().min(1, 'a text that is not empty');
const positive = z.number().positive('a number above 0');
const callback = z.custom<never>((value) => typeof value === 'function', 'a function');
const engines = BACKENDS.filter((name): name is Exclude<BackendName, 'bigquery'> => name !== 'bigquery');

const schema = z.strictObject({
  dir: text,
  out: text,
  key: z
    .union(
      [
        text,
        z
          .array(text)
          .min(1)
          .refine((names) => new Set(names).size === names.length),
      ],
      {
        error: 'the name of a column, or a list of different names',
      },
    )
    .optional(),
  rows: z.enum(['union', 'reference', 'intersection']).optional(),
  reference: text.optional(),
  rowGroupRows: z
    .number()
    .int('a whole number')
    .min(LEAST_ROW_GROUP_ROWS, `a number from ${LEAST_ROW_GROUP_ROWS} on`)
    .max(MOST_ROW_GROUP_ROWS, `a number up to ${MOST_ROW_GROUP_ROWS}`)
    .optional(),
  pattern: text.optional(),
  expected: z.number().int('a whole number').positive('a number above 0').optional(),
  engine: z.enum(engines).optional(),
  command: z.object({ argv: z.array(z.string()).min(1, 'a program'), dir: text }).optional(),
  verify: z.enum(['bytes', 'full', 'none']).optional(),
  replace: z.boolean().optional(),
  memoryBytes: positive.optional(),
  timeoutMs: positive.optional(),
  stallMs: positive.optional(),
  signal: z.instanceof(AbortSignal, { message: 'an AbortSignal' }).optional(),
  onProgress: callback.optional(),
  onMemory: callback.optional(),
  onRemark: callback.optional(),
} satisfies Record<keyof MergeOptions, z.ZodType>);

/** A program need not be compiled: what its options cannot mean is said before anything begins. Throws MergeError ConfigInvalid. */
export function checkOptions(options: MergeOptions): void {
  // To compile a checker first takes longer than checking a few times.
  const checked = schema.safeParse(options, { jitless: true });
  if (!checked.success) throw invalidOptions(checked.error.issues.map(describe).join('; '));
  if ((options.command === undefined) === (options.engine === 'command'))
    throw invalidOptions("command is what engine 'command' runs: give both, or neither");
  if (options.rowGroupRows !== undefined && (options.engine ?? 'local') !== 'local')
    throw invalidOptions(
      `rowGroupRows is for engine 'local': ${options.engine ?? ''} writes row groups of its own; leave out one of both`,
    );
  if (options.reference !== undefined && options.rows !== 'reference')
    throw invalidOptions("reference is for rows 'reference': give both, or neither");
}

const describe = (issue: z.core.$ZodIssue): string =>
  issue.code === 'unrecognized_keys'
    ? `${issue.keys.join(', ')}: no such option`
    : `${issue.path.join('.') || 'the options'}: ${issue.message.replace(/^(?=an? )/, 'expected ')}`;

export const invalidOptions = (message: string): MergeError => new MergeError({ type: 'ConfigInvalid', message });
