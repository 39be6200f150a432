import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';
import { UsageError } from './exit.ts';

/** Names of the top-level columns of a Parquet file. */
export async function columnsOf(path: string): Promise<string[]> {
  try {
    const { schema } = await parquetMetadataAsync(await asyncBufferFromFile(path));
    const columns: string[] = [];
    // The schema is a tree, flattened depth first; children of nested columns are passed over.
    let index = 1;
    const skip = (): void => {
      const children = schema[index++]?.num_children ?? 0;
      for (let child = 0; child < children; child++) skip();
    };
    while (index < schema.length) {
      columns.push(schema[index]!.name);
      skip();
    }
    return columns;
  } catch (cause) {
    throw new UsageError(`${path} cannot be read as Parquet: ${(cause as Error).message}`, { cause });
  }
}
