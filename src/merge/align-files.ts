/**
 * Brings the checkpoints that are not aligned onto the rows of the spine, several at a time: what is of fixed width goes
 * through a crew (gather/), all else through one database, one file after the other. Each file's parts have names of their
 * own, so that what is written does not depend on who was first.
 */
import { join } from 'node:path';
import type { AlignDatabase } from './align.ts';
import type { Crew } from './crew/crew.ts';
import { inParallel } from './crew/in-parallel.ts';
import { canGather } from './gather/can-gather.ts';
import type { Column } from './parquet/schema.ts';
import type { Checkpoint } from './plan.ts';
import { findPart, takePart, type AlignedPart } from './write-part.ts';

export interface AlignFilesRequest {
  checkpoints: Checkpoint[];
  /**
   * For each row of the spine the checkpoint's row, or -1; null where the rows are the same, in other row groups. Asked for
   * only where a part is not there.
   */
  rowsOf: (checkpoint: Checkpoint) => Promise<Int32Array | null>;
  /** Rows of each row group of the output, each > 0. */
  rowGroupRows: number[];
  /** Folder of the parts; exists. */
  dir: string;
  /** Identifies spine and checkpoint; part of the files' names. */
  partKey: (checkpoint: Checkpoint) => string;
  crew: Crew;
  /** For one file at a time. */
  withDatabase: <T>(use: (database: AlignDatabase) => Promise<T>) => Promise<T>;
  onDone: (checkpoint: Checkpoint) => void;
}

/** Parts of each checkpoint by its index: of one row group in the order of its columns. Throws as alignCheckpoint does. */
export async function alignFiles(request: AlignFilesRequest): Promise<Map<number, AlignedPart[]>> {
  const parts = new Map<number, AlignedPart[]>();
  // While parts are brought to the disk, and keys are read, the crew has other files.
  const atOnce = request.crew.size === 1 ? 1 : 2 * request.crew.size;
  await inParallel(request.checkpoints, atOnce, async (checkpoint) => {
    parts.set(checkpoint.index, await alignFile(request, checkpoint));
    request.onDone(checkpoint);
  });
  return parts;
}

async function alignFile(request: AlignFilesRequest, checkpoint: Checkpoint): Promise<AlignedPart[]> {
  let known: Promise<Int32Array | null> | null = null;
  const rowOf = (): Promise<Int32Array | null> => (known ??= request.rowsOf(checkpoint));
  const parts: AlignedPart[] = [];
  for (const run of runsOf(checkpoint))
    parts.push(
      ...(run.gathered
        ? await gatherRun(request, checkpoint, run, rowOf)
        : await rewriteRun(request, checkpoint, run, rowOf)),
    );
  return parts;
}

/** Neighbouring columns that go the same way. */
interface Run {
  columns: Column[];
  /** Index of the first among the checkpoint's columns. */
  first: number;
  gathered: boolean;
}

function runsOf({ columns, footer }: Checkpoint): Run[] {
  const runs: Run[] = [];
  for (const [first, column] of columns.entries()) {
    const gathered = canGather(column, footer);
    const last = runs.at(-1);
    if (last?.gathered === gathered) last.columns.push(column);
    else runs.push({ columns: [column], first, gathered });
  }
  return runs;
}

async function gatherRun(
  { dir, partKey, rowGroupRows, crew }: AlignFilesRequest,
  checkpoint: Checkpoint,
  { columns, first }: Run,
  rowOf: () => Promise<Int32Array | null>,
): Promise<AlignedPart[]> {
  const paths = rowGroupRows.map((_, group) =>
    join(dir, `${partKey(checkpoint)}-g${group}-f${first}-${columns.length}.parquet`),
  );
  const parts: (AlignedPart | null)[] = [];
  for (const [group, path] of paths.entries()) parts.push(await findPart(path, group, columns));
  if (parts.includes(null)) {
    const sums = await crew.run('gather', {
      path: checkpoint.path,
      name: checkpoint.name,
      columns: columns.map((column) => checkpoint.footer.columns.indexOf(column)),
      rowOf: await rowOf(),
      rowGroupRows,
      partPaths: paths.map((path, group) => (parts[group] === null ? path : null)),
    });
    for (const [group, sum] of sums.entries())
      if (sum !== null) parts[group] = await takePart(paths[group]!, group, columns, sum.crc32);
  }
  return parts.filter((part) => part !== null);
}

function rewriteRun(
  { dir, partKey, rowGroupRows, withDatabase }: AlignFilesRequest,
  checkpoint: Checkpoint,
  { columns, first }: Run,
  rowOf: () => Promise<Int32Array | null>,
): Promise<AlignedPart[]> {
  return withDatabase(async (database) => {
    // Loaded only here: with the usual columns nobody needs a database.
    const { alignCheckpoint } = await import('./align.ts');
    return alignCheckpoint({
      checkpoint: { ...checkpoint, columns },
      rowOf: await rowOf(),
      rowGroupRows,
      dir,
      partKey: `${partKey(checkpoint)}-d${first}`,
      database,
    });
  });
}
