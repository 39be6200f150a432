import { openCrew } from '../crew/crew.ts';
import { crewSize } from '../crew/crew-size.ts';
import { inParallel } from '../crew/in-parallel.ts';
import { assertUnchanged } from '../fingerprint.ts';
import type { Footer } from '../parquet/footer.ts';
import type { Checkpoint } from '../plan.ts';
import { checkCheckpointValues } from './checkpoint-values.ts';
import type { Checksum } from './compare-files.ts';
import type { IndexedColumn } from './footer.ts';
import { chunkBytes, type VerifyProgress } from './progress.ts';
import type { VerifyRequest } from './request.ts';

/** Several checkpoints at a time, as many as there are processors and memory for. */
export async function checkByValue(
  request: VerifyRequest,
  footer: Footer,
  columnsOf: Map<Checkpoint | null, IndexedColumn[]>,
  takenOver: Set<Checkpoint>,
  sums: Checksum[][],
  progress: VerifyProgress,
): Promise<void> {
  const { plan, mode, signal } = request;
  const checkpoints = plan.checkpoints.filter((checkpoint) => mode === 'full' || !takenOver.has(checkpoint));
  if (checkpoints.length === 0) return;
  const rowsMost = Math.max(footer.rows, ...checkpoints.map((checkpoint) => checkpoint.footer.rows));
  const crew = openCrew(crewSize(request.memoryBytes ?? 0, rowsMost), signal);
  try {
    await inParallel(checkpoints, crew.size === 1 ? 1 : crew.size + 1, async (checkpoint) => {
      signal?.throwIfAborted();
      const columns = columnsOf.get(checkpoint) ?? [];
      const found = await checkCheckpointValues({
        ...{ checkpoint, plan, crew, output: { path: request.outputPath, footer } },
        columns: columns.map(([, column]) => column),
        anyNan: request.engine === 'bigquery',
      });
      assertUnchanged(checkpoint);
      if (takenOver.has(checkpoint)) return;
      const flat = columns.filter(([, { output }]) => !output.nested);
      for (const [i, [index]] of flat.entries())
        for (const [group, { crc32, bytes }] of found[i]!.entries()) sums[index]![group]!.append(crc32, bytes);
      progress.bytes(chunkBytes(checkpoint));
      progress.file();
    });
  } finally {
    await crew.close();
  }
}
