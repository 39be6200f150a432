/** An object is called after its table, which is called after its content: whoever comes after a crash finds it. */
import type { Bucket } from './bucket.ts';
import { TABLE_NAME } from './staging-tables.ts';

const ENDING = '.parquet';

export const objectName = ({ folder }: Bucket, table: string): string => `${folder}${table}${ENDING}`;

/** Null where the object is none of this project's. */
export function tableOf({ folder }: Bucket, object: string): string | null {
  if (!object.startsWith(folder) || !object.endsWith(ENDING)) return null;
  const table = object.slice(folder.length, -ENDING.length);
  return TABLE_NAME.test(table) ? table : null;
}
