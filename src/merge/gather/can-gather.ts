import { COLUMN_CHUNK, COLUMN_META, ENCODING, REPETITION } from '../parquet/field-ids.ts';
import type { Footer } from '../parquet/footer.ts';
import { codecOf } from '../parquet/physical-view.ts';
import type { Column } from '../parquet/schema.ts';
import { findField, readInteger, readList, readStruct } from '../parquet/thrift.ts';
import { cellTypeOf } from './cells.ts';
import { canUnpack } from './unpack.ts';

/** Of values, dictionaries and levels. BIT_PACKED, of levels long ago, stands in the footers of many writers all the same. */
const ENCODINGS: ReadonlySet<number> = new Set([
  ENCODING.plain,
  ENCODING.plainDictionary,
  ENCODING.rle,
  ENCODING.rleDictionary,
  4,
]);

/** Whether a column's rows can be put in another order here: values of fixed width, in the encodings that nearly all writers use. */
export function canGather(column: Column, { rowGroups }: Footer): boolean {
  if (cellTypeOf(column) === null || column.repetition === REPETITION.repeated) return false;
  return rowGroups.every(({ chunks }) => {
    const chunk = chunks[column.firstLeaf]!;
    if (!canUnpack(codecOf(chunk))) return false;
    const meta = readStruct(findField(readStruct(chunk.raw), COLUMN_CHUNK.metaData)!.raw);
    const encodings = readList(findField(meta, COLUMN_META.encodings)!.raw).elements;
    return encodings.every((raw) => ENCODINGS.has(readInteger(raw)));
  });
}
