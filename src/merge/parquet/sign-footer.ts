import type { FileHandle } from 'node:fs/promises';
import { writeFully } from '../system/write-fully.ts';
import { FILE_META, KEY_VALUE } from './field-ids.ts';
import { MANIFEST_KEY, readFooterBytes } from './key-values.ts';
import { keyValue } from './rewrite.ts';
import { findField, readList, readStruct, readText } from './thrift.ts';
import { TYPE } from './thrift-cursor.ts';
import { encodeStruct, listField, patchStruct } from './write-thrift.ts';

/**
 * Puts the manifest's id into the footer of a Parquet file that somebody else has written; nothing else of it changes.
 * Returns its new size, or null where it is no Parquet file. Throws ThriftError where its footer is broken.
 */
export async function signFooter(handle: FileHandle, id: string): Promise<number | null> {
  const bytes = await readFooterBytes(handle);
  if (bytes === null) return null;
  const footer = readStruct(bytes);
  const known = findField(footer, FILE_META.keyValueMetadata);
  const entries = known === undefined ? [] : readList(known.raw).elements;
  const others = entries.filter((raw) => {
    const name = findField(readStruct(raw), KEY_VALUE.key);
    return name === undefined || readText(name.raw) !== MANIFEST_KEY;
  });
  const field = listField(FILE_META.keyValueMetadata, {
    elementType: TYPE.struct,
    elements: [...others, keyValue(MANIFEST_KEY, id)],
  });
  const struct = encodeStruct(patchStruct(footer, new Map([[FILE_META.keyValueMetadata, field]])));
  const tail = Buffer.alloc(8);
  tail.writeUInt32LE(struct.length, 0);
  tail.write('PAR1', 4, 'latin1');
  const start = (await handle.stat()).size - 8 - bytes.length;
  await writeFully(handle, Buffer.concat([struct, tail]), start);
  const size = start + struct.length + tail.length;
  await handle.truncate(size);
  return size;
}
