import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { RowsMode } from '../../contract.ts';
import type { MergePlan } from '../plan.ts';
import { outputColumns } from '../plan-merge.ts';
import { stitchParts, writeKeyParts } from '../stitch-plan.ts';
import { VERSION } from '../version.ts';
import { commandFolder } from '../workspace.ts';
import type { AlignedPart } from '../write-part.ts';

/** What a program that merges is told, as `plan.json`: documented in docs/engines.md, and changed only with its version. */
export interface PlanFile {
  version: 1;
  /** Name of the key column; null where the key has several, so that nobody takes one of them for all of it. */
  key: string | null;
  /** Names of the columns of the key, in every checkpoint and in the output, whose first columns they are. */
  keys: string[];
  /** How the rows were chosen; they are those of the spine, whatever it says here. */
  rows: RowsMode;
  rowCount: number;
  /** Columns of the output, the key included. */
  columnCount: number;
  /** A Parquet file of the key columns: the key of every row of the output, in its order and with its types. */
  spine: string;
  checkpoints: PlannedCheckpoint[];
  /** Where the output belongs: one Parquet file. */
  output: string;
  /** An empty folder on the output's disk, for whatever has to be spilled. */
  tempDir: string;
  /** What the program and its children may take, bytes: beyond it they are killed. */
  memoryBytes: number;
  threads: number;
  /** Codec of the output's pages. */
  compression: 'zstd';
}

export interface PlannedCheckpoint {
  path: string;
  rows: number;
  /** Its rows are those of the spine, in the same order; else they are found by their key. */
  aligned: boolean;
  /** Its columns without the key, in the order of the output. */
  columns: string[];
}

export interface PlanFileRequest {
  plan: MergePlan;
  /** Exists. */
  workspace: string;
  outputPath: string;
  /** Of the whole tree, this process included. */
  memoryBytes: number;
  signal: AbortSignal | undefined;
}

/** Writes the plan and its spine, and makes the folder for spilling; returns the plan's path. */
export async function writePlanFile(request: PlanFileRequest): Promise<string> {
  const { plan, workspace, outputPath } = request;
  const folder = commandFolder(workspace);
  const tempDir = join(folder, 'tmp');
  await mkdir(tempDir, { recursive: true });
  const spine = join(folder, 'spine.parquet');
  await writeSpine(request, spine);
  const file: PlanFile = {
    version: 1,
    key: plan.keyNames.length === 1 ? plan.keyNames[0]! : null,
    keys: plan.keyNames,
    rows: plan.rows,
    rowCount: plan.spine.keys.values.length,
    columnCount: outputColumns(plan),
    spine,
    checkpoints: plan.checkpoints.map(({ path, footer, columns, index }) => ({
      path,
      rows: footer.rows,
      aligned: plan.aligned[index]!,
      columns: columns.map(({ name }) => name),
    })),
    output: outputPath,
    tempDir,
    memoryBytes: shareOf(request.memoryBytes),
    threads: availableParallelism(),
    compression: 'zstd',
  };
  const path = join(folder, 'plan.json');
  await writeFile(path, `${JSON.stringify(file)}\n`);
  return path;
}

/** The spine is the stitch of the keys alone: their type and bytes are those of the local engine's output. */
async function writeSpine({ plan, workspace, memoryBytes, signal }: PlanFileRequest, path: string): Promise<void> {
  await stitchParts({
    plan: { ...plan, checkpoints: plan.checkpoints.map((checkpoint) => ({ ...checkpoint, columns: [] })) },
    outputPath: path,
    parts: new Map(plan.checkpoints.map(({ index }) => [index, []])),
    keyParts: await newKeys(plan, commandFolder(workspace), memoryBytes, signal),
    createdBy: `widemerge version ${VERSION}`,
    signal,
    onBytes: () => undefined,
  });
}

/** The keys that no checkpoint has as they are. */
async function newKeys(
  plan: MergePlan,
  folder: string,
  memoryBytes: number,
  signal: AbortSignal | undefined,
): Promise<AlignedPart[]> {
  if (plan.spine.source !== null) return [];
  const { openAlignDatabase } = await import('../align.ts');
  const database = await openAlignDatabase(folder, memoryBytes, signal);
  try {
    return await writeKeyParts({ plan, partsDir: folder, database });
  } finally {
    database.close();
  }
}

/** What is left beside this process, which only waits from now on. */
function shareOf(memoryBytes: number): number {
  return Math.max(Math.floor(memoryBytes / 2), memoryBytes - process.memoryUsage.rss());
}
