/** The local engine: rewrites what is not aligned, one checkpoint at a time, and stitches all of it together. */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { AlignDatabase } from './align.ts';
import { alignFiles } from './align-files.ts';
import { formatCrc32 } from './crc32.ts';
import { openCrew } from './crew/crew.ts';
import { crewSize } from './crew/crew-size.ts';
import type { EngineResult } from './engine.ts';
import { sequenceDigest } from './keys/key-sets.ts';
import { unpackKeys } from './keys/key-tuples.ts';
import { outputKeyColumns } from './keys/output-key.ts';
import { describeType } from './parquet/logical.ts';
import { MANIFEST_KEY } from './parquet/key-values.ts';
import type { Checkpoint, MergePlan } from './plan.ts';
import { inputBytes, realignedBytes } from './plan-merge.ts';
import { portionOf, type Portion } from './portion.ts';
import { readKeys } from './keys/read-keys.ts';
import { rowMapper } from './row-map.ts';
import { shareDatabase } from './share-database.ts';
import { describeWhole } from './whole-metadata.ts';
import type { AlignedPart } from './write-part.ts';
import { stitch, type StitchRequest } from './stitch.ts';
import type { Written } from './written.ts';

export interface StitchPlanRequest {
  plan: MergePlan;
  outputPath: string;
  partsDir: string;
  memoryBytes: number;
  createdBy: string;
  signal: AbortSignal | undefined;
  onBytes: (done: number, total: number) => void;
}

export async function stitchPlan(request: StitchPlanRequest): Promise<EngineResult> {
  const { plan } = request;
  const total = inputBytes(plan) + realignedBytes(plan);
  let done = 0;
  const onBytes = (bytes: number): void => request.onBytes((done += bytes), total);
  const { parts, keyParts } = await writeParts(request, onBytes);

  const { outputPath, createdBy, signal } = request;
  return stitchParts({ plan, outputPath, parts, keyParts, createdBy, signal, onBytes });
}

export interface StitchPartsRequest {
  plan: MergePlan;
  outputPath: string;
  /**
   * By the index of a checkpoint: for each row group of the output the parts that hold its columns, in their order. What
   * is missing here is aligned and taken over as it is.
   */
  parts: Map<number, AlignedPart[]>;
  /** Of writeKeyParts. */
  keyParts: AlignedPart[];
  createdBy: string;
  signal: AbortSignal | undefined;
  /** Bytes written since the last call. */
  onBytes: (bytes: number) => void;
}

/** Writes the output of checkpoints and parts. The columns of a checkpoint that has parts are OPTIONAL in it. */
export async function stitchParts({ plan, parts, keyParts, ...request }: StitchPartsRequest): Promise<EngineResult> {
  const keys = outputKeyColumns(plan);
  const schema: StitchRequest['schema'] = [
    ...keys,
    ...plan.checkpoints.flatMap((checkpoint) =>
      checkpoint.columns.map((column) => ({ column, optional: parts.has(checkpoint.index) })),
    ),
  ];
  const rowGroups = plan.spine.rowGroupRows.map((rows, group) => ({
    rows,
    portions: [
      keyPortion(plan, keyParts, group),
      ...plan.checkpoints.flatMap((checkpoint) => portionsOf(checkpoint, parts.get(checkpoint.index), group)),
    ],
  }));
  const { metadata, notes } = describeWhole(plan, ({ index }) => parts.has(index));
  const { tail, ...result } = await stitch({
    outputPath: request.outputPath,
    schema,
    rowGroups,
    metadata: { [MANIFEST_KEY]: plan.id, ...metadata },
    createdBy: request.createdBy,
    signal: request.signal,
    onBytes: request.onBytes,
  });
  const written = { tail, columns: writtenColumns(plan, parts, keyParts) };
  return { ...result, written, ...(notes.length > 0 && { notes }) };
}

/** The columns that come from parts, with the checksums of these. */
function writtenColumns(
  { checkpoints, spine, keyNames }: MergePlan,
  parts: Map<number, AlignedPart[]>,
  keyParts: AlignedPart[],
): Written['columns'] {
  const sumsOf = (own: AlignedPart[]): number[][] =>
    spine.rowGroupRows.map((_, group) =>
      own.filter(({ rowGroup }) => rowGroup === group).flatMap(({ crc32 }) => crc32),
    );
  const written: { index: number; sums: number[] }[] = [];
  const add = (own: AlignedPart[], first: number, columns: unknown[]): void => {
    const groups = sumsOf(own);
    for (const i of columns.keys()) written.push({ index: first + i, sums: groups.map((sums) => sums[i]!) });
  };
  // Those of the key come first.
  if (keyParts.length > 0) add(keyParts, 0, keyNames);
  let first = keyNames.length;
  for (const { index, columns } of checkpoints) {
    const own = parts.get(index);
    if (own !== undefined) add(own, first, columns);
    first += columns.length;
  }
  return written.map(({ index, sums }) => ({ index, crc32: sums.map(formatCrc32) }));
}

async function writeParts(
  request: StitchPlanRequest,
  onBytes: (bytes: number) => void,
): Promise<{ parts: Map<number, AlignedPart[]>; keyParts: AlignedPart[] }> {
  const { plan, partsDir, memoryBytes } = request;
  const { spine } = plan;
  const misaligned = plan.checkpoints.filter((_, i) => !plan.aligned[i]);
  if (misaligned.length === 0) return { parts: new Map(), keyParts: [] };
  await mkdir(partsDir, { recursive: true });
  const partKey = partKeys(plan);
  const databases = shareDatabase(partsDir, memoryBytes, request.signal);
  const mapRows = rowMapper(spine.keys);
  const rowsMost = Math.max(spine.keys.values.length, ...misaligned.map(({ footer }) => footer.rows));
  const crew = openCrew(crewSize(memoryBytes, rowsMost), request.signal);
  try {
    const keyParts =
      spine.source === null ? await databases.use((database) => writeKeyParts({ plan, partsDir, database })) : [];
    const parts = await alignFiles({
      checkpoints: misaligned,
      rowsOf: async (checkpoint) =>
        plan.sameKeys[checkpoint.index] ? null : mapRows(await readKeys(checkpoint, spine.types)),
      rowGroupRows: spine.rowGroupRows,
      dir: partsDir,
      partKey: ({ name, fingerprint }) => partKey(name, fingerprint),
      crew,
      withDatabase: databases.use,
      onDone: (checkpoint) => onBytes(checkpoint.fingerprint.size),
    });
    return { parts, keyParts };
  } finally {
    await crew.close();
    await databases.close();
  }
}

/** Writes the key columns of a spine that no checkpoint has; nothing where one has it, whose own are taken over then. */
export async function writeKeyParts({
  plan,
  partsDir,
  database,
}: {
  plan: MergePlan;
  /** Exists. */
  partsDir: string;
  database: AlignDatabase;
}): Promise<AlignedPart[]> {
  const { spine } = plan;
  if (spine.source !== null) return [];
  const columns = outputKeyColumns(plan);
  const { writeKeyPart } = await import('./align-key.ts');
  return writeKeyPart({
    columns: unpackKeys(spine.keys, spine.types).map((keys, i) => ({ keys, column: columns[i]!.column })),
    rowGroupRows: spine.rowGroupRows,
    dir: partsDir,
    partKey: partKeys(plan)('', 'key'),
    database,
  });
}

/** Names of parts that are those of this spine and of what they are made of. */
function partKeys(plan: MergePlan): (name: string, fingerprint: unknown) => string {
  const { spine, keyNames } = plan;
  const keyTypes = outputKeyColumns(plan).map(({ column }) => [column.physicalType, describeType(column)]);
  const spineDigest = [sequenceDigest(spine.keys), spine.rowGroupRows, keyTypes];
  return (name, fingerprint) =>
    createHash('sha256')
      .update(JSON.stringify([spineDigest, keyNames, name, fingerprint]))
      .digest('hex')
      .slice(0, 24);
}

function keyPortion({ spine, checkpoints }: MergePlan, keyParts: AlignedPart[], group: number): Portion {
  if (spine.source !== null) {
    const { path, footer, keys } = checkpoints[spine.source]!;
    return portionOf(path, footer, group, keys, keys, false);
  }
  const { path, footer, columns } = keyParts.find(({ rowGroup }) => rowGroup === group)!;
  return portionOf(path, footer, 0, columns, footer.columns, true);
}

function portionsOf(checkpoint: Checkpoint, parts: AlignedPart[] | undefined, group: number): Portion[] {
  if (parts === undefined)
    return [portionOf(checkpoint.path, checkpoint.footer, group, checkpoint.columns, checkpoint.columns, false)];
  return parts
    .filter(({ rowGroup }) => rowGroup === group)
    .map((part) => portionOf(part.path, part.footer, 0, part.columns, part.footer.columns, true));
}
