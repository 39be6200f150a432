import { COLUMN_CHUNK, COLUMN_META, ENCODING, STATISTICS } from '../parquet/field-ids.ts';
import type { Column } from '../parquet/schema.ts';
import { ThriftField, type ThriftStruct } from '../parquet/thrift.ts';
import { TYPE } from '../parquet/thrift-cursor.ts';
import {
  encodeBinary,
  encodeInteger,
  encodeStruct,
  encodeText,
  i32Field,
  i64Field,
  listField,
  structField,
} from '../parquet/write-thrift.ts';
import type { EncodedChunk } from './encode-chunk.ts';

/** The ColumnChunk struct of a chunk whose bytes begin at `start`. */
export function describeChunk(column: Column, chunk: EncodedChunk, codec: number, start: number): Uint8Array {
  const byDictionary = chunk.dictionaryBytes > 0;
  const encodings = [ENCODING.plain, ENCODING.rle, ...(byDictionary ? [ENCODING.rleDictionary] : [])];
  const meta: ThriftStruct = [
    i32Field(COLUMN_META.type, column.physicalType!),
    listField(COLUMN_META.encodings, { elementType: TYPE.i32, elements: encodings.map(encodeInteger) }),
    listField(COLUMN_META.pathInSchema, { elementType: TYPE.binary, elements: [encodeText(column.name)] }),
    i32Field(COLUMN_META.codec, codec),
    i64Field(COLUMN_META.numValues, chunk.rows),
    i64Field(COLUMN_META.totalUncompressedSize, chunk.uncompressedBytes),
    i64Field(COLUMN_META.totalCompressedSize, chunk.bytes),
    i64Field(COLUMN_META.dataPageOffset, start + chunk.dictionaryBytes),
    ...(byDictionary ? [i64Field(COLUMN_META.dictionaryPageOffset, start)] : []),
    structField(COLUMN_META.statistics, statistics(chunk)),
  ];
  return encodeStruct([i64Field(COLUMN_CHUNK.fileOffset, 0), structField(COLUMN_CHUNK.metaData, meta)]);
}

function statistics({ nullCount, bounds }: EncodedChunk): ThriftStruct {
  const count = i64Field(STATISTICS.nullCount, nullCount);
  if (bounds === null) return [count];
  return [
    count,
    new ThriftField(STATISTICS.maxValue, TYPE.binary, encodeBinary(bounds.max)),
    new ThriftField(STATISTICS.minValue, TYPE.binary, encodeBinary(bounds.min)),
  ];
}
