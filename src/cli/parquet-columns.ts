import { asyncBufferFromFile, parquetMetadataAsync, parquetSchema } from 'hyparquet';
import { UsageError } from './exit.ts';

/** Names of the top-level columns of a Parquet file. */
export async function columnsOf(path: string): Promise<string[]> {
  try {
    const metadata = await parquetMetadataAsync(await asyncBufferFromFile(path));
    return parquetSchema(metadata).children.map(({ element }) => element.name);
  } catch (cause) {
    throw new UsageError(`${path} cannot be read as Parquet: ${(cause as Error).message}`, { cause });
  }
}
