import { open, type FileHandle } from 'node:fs/promises';
import { MAX_FOOTER_BYTES } from './footer.ts';
import { FILE_META, KEY_VALUE } from './field-ids.ts';
import { findField, readList, readStruct, readText, type ThriftStruct } from './thrift.ts';
import { ThriftError } from './thrift-cursor.ts';

/** Name of the key-value entry that ties an output to its manifest. */
export const MANIFEST_KEY = 'widemerge.manifest';

/** The id of the manifest that a Parquet file belongs to; null for any other file. Throws the system's errors. */
export async function readManifestId(path: string): Promise<string | null> {
  const handle = await open(path, 'r');
  try {
    // Not readFooter(): of a file with 17,000 columns only this entry is wanted, and a stranger's may be anything.
    const bytes = await readFooterBytes(handle);
    return bytes === null ? null : findKeyValue(readStruct(bytes), MANIFEST_KEY);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof ThriftError || code === 'EISDIR') return null;
    throw error;
  } finally {
    await handle.close();
  }
}

/** The bytes of its FileMetaData; null where the file is no Parquet file. */
export async function readFooterBytes(handle: FileHandle): Promise<Uint8Array | null> {
  const { size } = await handle.stat();
  if (size < 12) return null;
  const tail = Buffer.alloc(8);
  await handle.read(tail, 0, 8, size - 8);
  const length = tail.readUInt32LE(0);
  if (tail.toString('latin1', 4) !== 'PAR1' || length > Math.min(size - 12, MAX_FOOTER_BYTES)) return null;
  const bytes = Buffer.alloc(length);
  await handle.read(bytes, 0, length, size - 8 - length);
  return bytes;
}

/** The value of a key in a FileMetaData; null where there is none. Throws ThriftError. */
export function findKeyValue(footer: ThriftStruct, key: string): string | null {
  const field = findField(footer, FILE_META.keyValueMetadata);
  if (field === undefined) return null;
  for (const raw of readList(field.raw).elements) {
    const entry = readStruct(raw);
    const name = findField(entry, KEY_VALUE.key);
    const value = findField(entry, KEY_VALUE.value);
    if (name !== undefined && value !== undefined && readText(name.raw) === key) return readText(value.raw);
  }
  return null;
}
