/** What the output's footer says of it as a whole, in the words of Arrow and pandas: joined from what those of its sources say. */
import { ARROW_SCHEMA_KEY } from './arrow/schema-message.ts';
import { integerField, joinArrowSchemas, type SchemaSource, type WantedColumn } from './arrow/whole-schema.ts';
import type { KeyType } from './keys/key-values.ts';
import { outputKeyColumns } from './keys/output-key.ts';
import { joinPandas, PANDAS_KEY } from './pandas-metadata.ts';
import { findKeyValue } from './parquet/key-values.ts';
import type { Checkpoint, MergePlan } from './plan.ts';

export interface WholeMetadata {
  metadata: Record<string, string>;
  /** What could not be said, and why; a line each. */
  notes: string[];
}

/** `isRewritten`: the columns of such a checkpoint may lack values. Pure but for reading the footers that the plan holds. */
export function describeWhole(plan: MergePlan, isRewritten: (checkpoint: Checkpoint) => boolean): WholeMetadata {
  const { checkpoints, keyNames, spine } = plan;
  const owners = keyOwners(plan);
  const rows = spine.keys.values.length;
  const sources = metadataSources(plan, isRewritten);
  const pandas = joinPandas(
    sources.map(({ name, columns, wanted }, i) => {
      const { footer } = owners[i]?.checkpoint ?? checkpoints[i - owners.length]!;
      const made = owners[i]?.wanted.made;
      return {
        name,
        text: findKeyValue(footer.struct, PANDAS_KEY),
        fileColumns: columns.length,
        columns: wanted.map(({ column }) => column.name),
        ...(made !== undefined && { made: isSigned(spine.types[i]!) ? 'int64' : 'uint64' }),
      };
    }),
    keyNames,
    rows,
  );
  const own = pandas.text === null ? {} : { [PANDAS_KEY]: pandas.text };
  const arrow = joinArrowSchemas(sources, own);
  const metadata = arrow.text === null ? own : { [ARROW_SCHEMA_KEY]: arrow.text, ...own };
  return { metadata, notes: [arrow, pandas].flatMap(({ note }) => note ?? []) };
}

/** In the order of the output: first whoever gives each column of the key, then each checkpoint with its columns. */
export function metadataSources(plan: MergePlan, isRewritten: (checkpoint: Checkpoint) => boolean): SchemaSource[] {
  const sourceOf = ({ name, footer }: Checkpoint, wanted: WantedColumn[]): SchemaSource => {
    const text = findKeyValue(footer.struct, ARROW_SCHEMA_KEY);
    return { name, text, columns: footer.columns, wanted };
  };
  return [
    ...keyOwners(plan).map(({ checkpoint, wanted }) => sourceOf(checkpoint, [wanted])),
    ...plan.checkpoints.map((one) =>
      sourceOf(
        one,
        one.columns.map((column) => ({ column, optional: isRewritten(one) })),
      ),
    ),
  ];
}

/** For each column of the key the checkpoint whose words are good for it. */
function keyOwners(plan: MergePlan): { checkpoint: Checkpoint; wanted: WantedColumn }[] {
  return outputKeyColumns(plan).map(({ column, optional }, i) => {
    const owner = plan.checkpoints.find(({ keys }) => keys[i] === column);
    if (owner !== undefined) return { checkpoint: owner, wanted: { column, optional } };
    const made = integerField(plan.keyNames[i]!, isSigned(plan.spine.types[i]!));
    return { checkpoint: plan.checkpoints[0]!, wanted: { column, optional, made } };
  });
}

const isSigned = (type: KeyType): boolean => !(type.kind === 'integer' && !type.signed);
