import { inspect, isDeepStrictEqual } from 'node:util';
import { asyncBufferFromFile, parquetReadObjects, parquetSchema, parquetMetadataAsync } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { KEY } from './merge-line.ts';
import type { ReadTask, Verdict } from './readers.ts';

type Row = Record<string, unknown>;

/** What read_formats.py does, by the one reader here that is JavaScript. */
export async function readWithHyparquet(tasks: ReadTask[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const task of tasks) verdicts.push(await compareFiles(task));
  return verdicts;
}

async function compareFiles({ output, sources }: ReadTask): Promise<Verdict> {
  const merged = await readRows(output);
  const read = await Promise.all(sources.map(readRows));
  if (merged instanceof Error)
    return read.some((source) => source instanceof Error) ? 'unreadable' : `unreadable: ${merged.message}`;
  for (const [i, source] of read.entries()) {
    if (source instanceof Error) continue;
    const rowOf = new Map(source.map((row) => [keyOf(row), row]));
    const names = Object.keys(source[0]!).filter((name) => name !== KEY);
    let found = 0;
    for (const row of merged) {
      const own = rowOf.get(keyOf(row));
      if (own !== undefined) found++;
      for (const name of names)
        if (!isDeepStrictEqual(row[name] ?? null, own?.[name] ?? null))
          return `${name}: ${inspect(row[name])} where the source has ${inspect(own?.[name])}, of the key ${keyOf(row)}`;
    }
    if (found !== source.length) return `${found} of ${source.length} rows of ${sources[i]!}`;
  }
  return 'same';
}

/** Keys of two units are equal where they are the same instant. */
const keyOf = (row: Row): string => {
  const key = row[KEY];
  return key instanceof Date ? String(key.getTime()) : String(key);
};

async function readRows(path: string): Promise<Row[] | Error> {
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
    return await parquetReadObjects({ file, metadata, columns, compressors });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
