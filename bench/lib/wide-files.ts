/** The same wide content as several tools write it, to be read. */
import { createReadStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';
import { checkOutput } from './check-output.ts';
import { decodedBytes, KEY, writeCheckpoints, type Shape } from './checkpoints.ts';
import type { Contender } from './contender.ts';
import { measure, type RunLimits } from './measure.ts';
import { runText } from './words.ts';

export interface WideFile {
  /** Who wrote it. */
  id: string;
  name: string;
  path: string;
  bytes: number;
  rowGroups: number;
}

/** One file by each of the writers, and the names of evenly spread columns of them. Throws where a writer does not come to its end. */
export async function writeWideFiles(work: string, shape: Shape, writers: Contender[], limits: RunLimits) {
  const sources = join(work, 'sources');
  await writeCheckpoints(sources, shape);
  const files: WideFile[] = [];
  for (const writer of writers) {
    const output = join(work, writer.id, 'merged.parquet');
    await mkdir(dirname(output));
    const task = { sources, output, memoryBytes: limits.memoryBytes, spillBytes: decodedBytes(shape) };
    const run = await measure(writer, task, limits);
    limits.signal.throwIfAborted();
    if (run.outcome !== 'succeeded') throw new Error(`${writer.name}: ${runText(run)}`);
    await checkOutput(output, shape);
    const { row_groups } = await readFooter(output);
    files.push({
      id: writer.id,
      name: writer.name,
      path: output,
      bytes: run.outputBytes,
      rowGroups: row_groups.length,
    });
  }
  await rm(sources, { recursive: true });
  return files;
}

/** Of the file's columns without its key, so many, evenly spread from the first to the last. */
export async function spreadColumns(path: string, count: number): Promise<string[]> {
  const { row_groups } = await readFooter(path);
  const names = row_groups[0]!.columns.map((chunk) => chunk.meta_data!.path_in_schema.join('.'));
  const values = names.filter((name) => name !== KEY);
  return Array.from(
    { length: count },
    (_, i) => values[Math.floor((i / Math.max(1, count - 1)) * (values.length - 1))]!,
  );
}

/** Reads it once, so that the page cache has it as far as memory reaches. */
export async function warm(path: string): Promise<void> {
  await finished(createReadStream(path, { highWaterMark: 2 ** 22 }).resume());
}

const readFooter = async (path: string) => parquetMetadataAsync(await asyncBufferFromFile(path));
