/** The local engine: rewrites what is not aligned, one checkpoint at a time, and stitches all of it together. */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { AlignDatabase } from './align.ts';
import { alignFiles } from './align-files.ts';
import { openCrew } from './crew/crew.ts';
import { crewSize } from './crew/crew-size.ts';
import { sequenceDigest } from './key-sets.ts';
import { keyTypeOf } from './keys.ts';
import { outputKeyColumn } from './output-key.ts';
import { MANIFEST_KEY } from './parquet/key-values.ts';
import type { Checkpoint, MergePlan } from './plan.ts';
import { inputBytes, realignedBytes } from './plan-merge.ts';
import { portionOf, type Portion } from './portion.ts';
import { rowMapper } from './row-map.ts';
import { shareDatabase } from './share-database.ts';
import { readKeys } from './spine.ts';
import type { AlignedPart } from './write-part.ts';
import { stitch, type StitchRequest, type StitchResult } from './stitch.ts';

export interface StitchPlanRequest {
  plan: MergePlan;
  outputPath: string;
  partsDir: string;
  memoryBytes: number;
  createdBy: string;
  signal: AbortSignal | undefined;
  onBytes: (done: number, total: number) => void;
}

export async function stitchPlan(request: StitchPlanRequest): Promise<StitchResult> {
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
export async function stitchParts({ plan, parts, keyParts, ...request }: StitchPartsRequest): Promise<StitchResult> {
  const key = outputKeyColumn(plan);
  const schema: StitchRequest['schema'] = [
    { column: key.column, optional: key.optional },
    ...plan.checkpoints.flatMap((checkpoint) =>
      checkpoint.columns.map((column) => ({ column, optional: parts.has(checkpoint.index) })),
    ),
  ];
  const rowGroups = plan.spine.rowGroupRows.map((rows, group) => ({
    rows,
    portions: [
      keyPortion(plan, keyParts, key.column, group),
      ...plan.checkpoints.flatMap((checkpoint) => portionsOf(checkpoint, parts.get(checkpoint.index), group)),
    ],
  }));
  return stitch({
    outputPath: request.outputPath,
    schema,
    rowGroups,
    metadata: { [MANIFEST_KEY]: plan.id },
    createdBy: request.createdBy,
    signal: request.signal,
    onBytes: request.onBytes,
  });
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
        plan.sameKeys[checkpoint.index]
          ? null
          : mapRows(await readKeys(checkpoint, keyTypeOf(checkpoint.key, checkpoint.name), spine.type)),
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

/** Writes the key column of a spine that no checkpoint has; nothing where one has it, whose own is taken over then. */
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
  const { writeKeyPart } = await import('./align-key.ts');
  return writeKeyPart({
    keys: spine.keys,
    rowGroupRows: spine.rowGroupRows,
    column: outputKeyColumn(plan).column,
    dir: partsDir,
    partKey: partKeys(plan)('', 'key'),
    database,
  });
}

/** Names of parts that are those of this spine and of what they are made of. */
function partKeys({ spine }: MergePlan): (name: string, fingerprint: unknown) => string {
  const spineDigest = sequenceDigest(spine.keys) + spine.rowGroupRows.join(',');
  return (name, fingerprint) =>
    createHash('sha256')
      .update(JSON.stringify([spineDigest, name, fingerprint]))
      .digest('hex')
      .slice(0, 24);
}

function keyPortion(
  plan: MergePlan,
  keyParts: AlignedPart[],
  column: ReturnType<typeof outputKeyColumn>['column'],
  group: number,
): Portion {
  if (plan.spine.source !== null) {
    const { path, footer, key } = plan.checkpoints[plan.spine.source]!;
    return portionOf(path, footer, group, [key], [key], false);
  }
  const part = keyParts.find(({ rowGroup }) => rowGroup === group)!;
  return portionOf(part.path, part.footer, 0, [column], part.footer.columns, true);
}

function portionsOf(checkpoint: Checkpoint, parts: AlignedPart[] | undefined, group: number): Portion[] {
  if (parts === undefined)
    return [portionOf(checkpoint.path, checkpoint.footer, group, checkpoint.columns, checkpoint.columns, false)];
  return parts
    .filter(({ rowGroup }) => rowGroup === group)
    .map((part) => portionOf(part.path, part.footer, 0, part.columns, part.footer.columns, true));
}
