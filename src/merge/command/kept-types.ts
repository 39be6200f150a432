import type { MergeJob } from '../job.ts';
import { unfitEngine } from '../errors.ts';
import { describeType } from '../parquet/logical.ts';
import type { MergePlan } from '../plan.ts';

const NUMBERS = [
  ...['boolean', 'float', 'double', 'int32', 'int64'],
  ...['int32 integer 8 signed', 'int32 integer 16 signed'],
  ...[
    'int32 integer 8 unsigned',
    'int32 integer 16 unsigned',
    'int32 integer 32 unsigned',
    'int64 integer 64 unsigned',
  ],
];
const TIMES = ['ms', 'us', 'ns'].flatMap((unit) => [`int64 timestamp ${unit} utc`, `int64 timestamp ${unit} local`]);
const TIMES_OF_DAY = ['int32 time ms local', 'int64 time us local', 'int64 time ns local'];
const COMMON = [...NUMBERS, ...TIMES, 'int32 date', 'byteArray', 'byteArray string'];

/** The types that each engine gives back as they were, in the words of describeType; test/engines proves each of them. */
const KEPT: Partial<Record<MergeJob['engine'], ReadonlySet<string>>> = {
  // Polars counts times of the day in nanoseconds, whatever they were.
  polars: new Set([...COMMON, 'int64 time ns local']),
  pandas: new Set([...COMMON, ...TIMES_OF_DAY]),
  dask: new Set([...COMMON, ...TIMES_OF_DAY]),
};

/** Whether the engine gives a column of this type back as it was; null where nothing is known of it. */
export function keepsType(engine: MergeJob['engine'], type: string): boolean | null {
  return KEPT[engine]?.has(type) ?? null;
}

/**
 * Throws EngineUnfit for the first column whose type the engine's own writer would change. Of a person's own command
 * nothing is known before: what it changes is found when its output is verified.
 */
export function refuseChangedTypes({ checkpoints }: MergePlan, engine: MergeJob['engine']): void {
  for (const { name, keys, columns } of checkpoints)
    for (const column of [...keys, ...columns]) {
      const type = describeType(column);
      if (keepsType(engine, type) === false)
        throw unfitEngine(
          name,
          `column ${column.name} is of type ${type}, which ${engine} may not keep; use the backend local, which does`,
          column.name,
        );
    }
}
