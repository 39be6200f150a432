import * as z from 'zod';
import { BACKENDS, CANARY_MODES, keyOf, type MergeKey } from '../contract.ts';
import { bigquerySchema } from './bigquery-schema.ts';
import { command, hookTimeout } from './command-schema.ts';
import { duration } from './duration.ts';
import { healthSchema } from './health-schema.ts';
import {
  DEFAULT_CHAIN,
  DEFAULT_STALL_MS,
  DEFAULT_TIMEOUT_MS,
  HOST_NAME,
  LAID_OUT_BACKENDS,
  LEAST_MEMORY_BYTES,
  LEAST_ROW_GROUP_ROWS,
  MOST_ROW_GROUP_ROWS,
  PAIR_NAME,
} from './rules.ts';
import { bytesFrom } from './size.ts';

/**
 * The YAML configuration as people write it. The input side is published as JSON Schema; the output side has bytes,
 * milliseconds and numbers. Defaults that depend on the machine, and paths, are filled in by load.ts.
 */

const bytes = bytesFrom(LEAST_MEMORY_BYTES);

const fileName = /^(?!\.{1,2}$)[^/\0]+$/;
const columnName = z.string().min(1, { error: 'the name of a column' });
const rowGroupRowsText = `a whole number of rows, at least ${LEAST_ROW_GROUP_ROWS}`;
const pairName = z.string().regex(PAIR_NAME, { error: 'the name of a folder of root, e.g. GBPUSD' });

export const configSchema = z
  .strictObject({
    name: z
      .string()
      // widemerge/budget/<project> is the workflow that keeps a project's budget.
      .regex(/^(?!budget$)[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, {
        error: 'letters, digits, dots, dashes and underscores, and not "budget", which is a name of widemerge\'s own',
      })
      .describe('Name of the run; its workflow is widemerge/<name>.'),
    root: z
      .string()
      .min(1, { error: 'a folder' })
      .describe('Folder with one folder of checkpoints per pair; relative to this file.'),
    output: z.string().min(1, { error: 'a folder' }).describe('Folder of the merged files; relative to this file.'),
    pairs: z
      .union(
        [
          z
            .array(pairName)
            .min(1, { error: 'at least one pair' })
            .check((context) => {
              for (const [index, pair] of context.value.entries())
                if (context.value.indexOf(pair) < index)
                  context.issues.push({
                    code: 'custom',
                    input: pair,
                    path: [index],
                    message: 'each pair once (it is in the list above)',
                  });
            }),
          z.string().regex(/^[^/]+$/, { error: 'a pattern over the folders of root, e.g. "EUR*"' }),
        ],
        { error: 'a list of names, or a pattern over the folders of root, e.g. "EUR*"' },
      )
      .describe('Names in their order, or a pattern over the folders of root, e.g. "*" or "EUR*".'),
    key: z
      .union(
        [
          columnName,
          z
            .array(columnName)
            .min(1, { error: 'at least one column' })
            .check((context) => {
              for (const [index, name] of context.value.entries())
                if (context.value.indexOf(name) < index)
                  context.issues.push({ code: 'custom', input: name, path: [index], message: 'each column once' });
            }),
        ],
        { error: 'the name of a column, or a list of names' },
      )
      .transform((key): MergeKey => (typeof key === 'string' ? key : keyOf(key)))
      .describe(
        'The column that all checkpoints of a pair share, or a list of columns that tell the rows apart together.',
      ),
    checkpoints: z
      .strictObject({
        pattern: z
          .string()
          .regex(fileName, { error: 'a pattern over file names, e.g. "*.parquet"' })
          .default('*.parquet')
          .describe('Pattern over file names.'),
        expected: z
          .int({ error: 'a whole number of files, at least 1' })
          .min(1, { error: 'a whole number of files, at least 1' })
          .nullable()
          .default(null)
          .describe('Files a pair; a pair with fewer or more is set aside. null: any number.'),
      })
      .prefault({}),
    rows: z
      .enum(['union', 'reference', 'intersection'])
      .default('union')
      .describe('Rows of the output: all keys, the keys of the reference, or the keys that all files have.'),
    reference: z
      .string()
      .regex(fileName, { error: 'the name of a checkpoint file' })
      .nullable()
      .default(null)
      .describe('File name of the reference for rows: reference; null is the first.'),
    rowGroupRows: z
      .int({ error: rowGroupRowsText })
      .min(LEAST_ROW_GROUP_ROWS, { error: rowGroupRowsText })
      .max(MOST_ROW_GROUP_ROWS, { error: rowGroupRowsText })
      .nullable()
      .default(null)
      .describe(
        'Rows of each row group of the outputs but the last; checkpoints that have such row groups are copied, others rewritten. null: the row groups that most bytes have. With the backends local and bigquery only.',
      ),
    backends: z
      .array(z.enum(BACKENDS))
      .min(1, { error: 'at least one backend' })
      .check((context) => {
        for (const [index, backend] of context.value.entries())
          if (context.value.indexOf(backend) < index)
            context.issues.push({ code: 'custom', input: backend, path: [index], message: 'each backend once' });
      })
      .default(DEFAULT_CHAIN)
      .describe('In the order in which they are tried.'),
    command: z
      .array(z.string({ error: 'a word of the command' }).min(1, { error: 'a word of the command' }))
      .min(1, { error: 'a program and its arguments' })
      .check((context) => {
        for (const place of ['{plan}', '{out}'])
          if (!context.value.some((word) => word.includes(place)))
            context.issues.push({
              code: 'custom',
              input: context.value,
              message: `${place} among its arguments, where the path goes`,
            });
      })
      .optional()
      .describe(
        'Program and arguments of the backend command, run in the folder of this file; {plan} and {out} stand for paths.',
      ),
    limits: z
      .strictObject({
        memory: bytes
          .optional()
          .describe(
            'Limit of a merge; its processes are killed above it. Default: 40GiB, or 80 % of a smaller machine.',
          ),
        killAbove: bytes
          .optional()
          .describe(
            'A second line for the watcher that samples a merge; the lower of the two counts. Default: 1.25 x memory.',
          ),
        timeout: duration.default(DEFAULT_TIMEOUT_MS).describe('Longest time of one merge. Default: 30m.'),
        stall: duration.default(DEFAULT_STALL_MS).describe('Longest time without progress. Default: 10m.'),
      })
      .prefault({}),
    health: healthSchema.prefault({}),
    canary: z
      .enum(CANARY_MODES)
      .default('auto')
      .describe(
        'The first pair goes alone. auto: the others wait for an approval where its peak of memory is near the limit or far above its prediction. approve: in any case. off: no canary.',
      ),
    verify: z
      .enum(['bytes', 'full', 'none'])
      .default('bytes')
      .describe('bytes compares checksums of the raw column chunks, full decodes every value.'),
    clean: z
      .enum(['keep', 'trash', 'delete'])
      .default('keep')
      .describe('What becomes of the checkpoints once their merged file is verified and on disk.'),
    replace: z.boolean().default(false).describe('Replace an output that was made of other inputs.'),
    host: z
      .string()
      .regex(HOST_NAME, { error: 'letters, digits, dots, dashes and underscores' })
      .nullable()
      .default(null)
      .describe(
        'The host that has the files: only its worker (`widemerge worker --host NAME`) touches them. null: any worker.',
      ),
    notify: z
      .strictObject({
        command: command
          .nullable()
          .default(null)
          .describe(
            'Called with one line of JSON on its input (schema/notification.schema.json) when something happens.',
          ),
        timeout: hookTimeout.default(10_000).describe('Longest time of one call, at most 45s. Default: 10s.'),
      })
      .prefault({}),
    bigquery: bigquerySchema.prefault({}),
  })
  .check((context) => {
    const { verify, clean, rows, reference, backends, command, rowGroupRows } = context.value;
    const other = backends.find((backend) => !LAID_OUT_BACKENDS.includes(backend));
    if (rowGroupRows !== null && other !== undefined)
      context.issues.push({
        code: 'custom',
        input: rowGroupRows,
        path: ['rowGroupRows'],
        message: `null, since ${other} is among the backends and writes row groups of its own; only ${LAID_OUT_BACKENDS.join(' and ')} write them as asked`,
      });
    if (backends.includes('command') !== (command !== undefined))
      context.issues.push({
        code: 'custom',
        input: command,
        path: ['command'],
        message:
          command === undefined
            ? 'a program and its arguments, since backends has command'
            : 'command among the backends, or no command',
      });
    if (verify === 'none' && clean !== 'keep')
      context.issues.push({
        code: 'custom',
        input: clean,
        path: ['clean'],
        message: 'keep, since verify is none: only verified checkpoints may go',
      });
    if (reference !== null && rows !== 'reference')
      context.issues.push({
        code: 'custom',
        input: reference,
        path: ['reference'],
        message: 'rows: reference beside it, or no reference',
      });
  })
  .check((context) => {
    const { backends, clean, bigquery } = context.value;
    const refuse = (path: string[], input: unknown, message: string): void => {
      context.issues.push({ code: 'custom', input, path, message });
    };
    if (bigquery.output === 'tables' && backends.some((backend) => backend !== 'bigquery'))
      refuse(
        ['backends'],
        backends,
        '[bigquery] alone, since bigquery.output is tables: a pair that another backend merges leaves a file; bigquery.output: both leaves both',
      );
    if (bigquery.output === 'tables' && clean !== 'keep')
      refuse(
        ['clean'],
        clean,
        'keep, since bigquery.output is tables: checkpoints only go once a verified file of them is on disk',
      );
    if (bigquery.output !== 'files' && bigquery.outputDataset === bigquery.dataset)
      refuse(
        ['bigquery', 'outputDataset'],
        bigquery.outputDataset,
        'another dataset than bigquery.dataset, whose tables expire',
      );
  });

export type CheckedConfig = z.output<typeof configSchema>;
