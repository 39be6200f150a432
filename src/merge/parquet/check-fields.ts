/**
 * Checks that the structs of a footer are those of the format: what goes through to the output byte for byte would make it
 * unreadable, all of its columns, where other readers cannot make sense of one field. Fields of later versions pass.
 */
import { isUtf8 } from 'node:buffer';
import {
  COLUMN_CHUNK,
  COLUMN_META,
  FILE_META,
  LAST_ENCODING,
  PHYSICAL,
  ROW_GROUP,
  SCHEMA_ELEMENT,
  STATISTICS,
} from './field-ids.ts';
import { findField, readBinary, readInteger, readList, readStruct, type ThriftStruct } from './thrift.ts';
import { ThriftError, TYPE } from './thrift-cursor.ts';

/** Type of a field by its id; of an enumeration, its largest number. */
type Fields = ReadonlyMap<number, number | { upTo: number }>;

const CODECS = 7;
const PAGE_TYPES = 3;
const CONVERTED_TYPES = 21;
const PHYSICAL_TYPES = 7;
const REPETITIONS = 2;

const IN_FILE: Fields = new Map<number, number>([
  [FILE_META.version, TYPE.i32],
  [FILE_META.schema, TYPE.list],
  [FILE_META.numRows, TYPE.i64],
  [FILE_META.rowGroups, TYPE.list],
  [FILE_META.keyValueMetadata, TYPE.list],
  [FILE_META.createdBy, TYPE.binary],
  [FILE_META.columnOrders, TYPE.list],
]);
const IN_ROW_GROUP: Fields = new Map<number, number>([
  [ROW_GROUP.columns, TYPE.list],
  [ROW_GROUP.totalByteSize, TYPE.i64],
  [ROW_GROUP.numRows, TYPE.i64],
  [ROW_GROUP.sortingColumns, TYPE.list],
  [ROW_GROUP.fileOffset, TYPE.i64],
  [ROW_GROUP.totalCompressedSize, TYPE.i64],
  [ROW_GROUP.ordinal, TYPE.i16],
]);
const IN_SCHEMA: Fields = new Map<number, number | { upTo: number }>([
  [SCHEMA_ELEMENT.type, { upTo: PHYSICAL_TYPES }],
  [SCHEMA_ELEMENT.typeLength, TYPE.i32],
  [SCHEMA_ELEMENT.repetition, { upTo: REPETITIONS }],
  [SCHEMA_ELEMENT.name, TYPE.binary],
  [SCHEMA_ELEMENT.numChildren, TYPE.i32],
  [SCHEMA_ELEMENT.convertedType, { upTo: CONVERTED_TYPES }],
  [SCHEMA_ELEMENT.scale, TYPE.i32],
  [SCHEMA_ELEMENT.precision, TYPE.i32],
  [SCHEMA_ELEMENT.fieldId, TYPE.i32],
  [SCHEMA_ELEMENT.logicalType, TYPE.struct],
]);
const IN_CHUNK: Fields = new Map<number, number>([
  [COLUMN_CHUNK.filePath, TYPE.binary],
  [COLUMN_CHUNK.fileOffset, TYPE.i64],
  [COLUMN_CHUNK.metaData, TYPE.struct],
]);
const IN_CHUNK_META: Fields = new Map<number, number | { upTo: number }>([
  [COLUMN_META.type, { upTo: PHYSICAL_TYPES }],
  [COLUMN_META.encodings, TYPE.list],
  [COLUMN_META.pathInSchema, TYPE.list],
  [COLUMN_META.codec, { upTo: CODECS }],
  [COLUMN_META.numValues, TYPE.i64],
  [COLUMN_META.totalUncompressedSize, TYPE.i64],
  [COLUMN_META.totalCompressedSize, TYPE.i64],
  [COLUMN_META.keyValueMetadata, TYPE.list],
  [COLUMN_META.dataPageOffset, TYPE.i64],
  [COLUMN_META.dictionaryPageOffset, TYPE.i64],
  [COLUMN_META.statistics, TYPE.struct],
  [COLUMN_META.encodingStats, TYPE.list],
  [COLUMN_META.sizeStatistics, TYPE.struct],
]);
const IN_STATISTICS: Fields = new Map<number, number>([
  [STATISTICS.deprecatedMax, TYPE.binary],
  [STATISTICS.deprecatedMin, TYPE.binary],
  [STATISTICS.nullCount, TYPE.i64],
  [STATISTICS.distinctCount, TYPE.i64],
  [STATISTICS.maxValue, TYPE.binary],
  [STATISTICS.minValue, TYPE.binary],
]);
const IN_ENCODING_STATS: Fields = new Map<number, number | { upTo: number }>([
  [1, { upTo: PAGE_TYPES }],
  [2, { upTo: LAST_ENCODING }],
  [3, TYPE.i32],
]);

/** FileMetaData. Throws ThriftError. */
export const checkFileFields = (file: ThriftStruct): void => checkFields(file, IN_FILE);

/** A RowGroup. Throws ThriftError. */
export const checkGroupFields = (group: ThriftStruct): void => checkFields(group, IN_ROW_GROUP);

/** Throws ThriftError. */
export function checkSchemaElement(element: ThriftStruct): void {
  checkFields(element, IN_SCHEMA);
  const name = findField(element, SCHEMA_ELEMENT.name);
  // Of columns inside of others, too, which nobody here asks for by name: other readers do.
  if (name === undefined || !isUtf8(readBinary(name.raw)))
    throw new ThriftError('has a column without a name in UTF-8');
  const type = findField(element, SCHEMA_ELEMENT.type);
  const children = findField(element, SCHEMA_ELEMENT.numChildren);
  const isGroup = children !== undefined && children.integer > 0;
  if (isGroup === (type !== undefined)) throw new ThriftError('has a column that is neither a group nor of a type');
  if (type === undefined) return;
  const length = findField(element, SCHEMA_ELEMENT.typeLength);
  const isFixed = type.integer === PHYSICAL.fixedLenByteArray;
  if (isFixed && (length === undefined || length.integer <= 0))
    throw new ThriftError('has a column of fixed length without its length');
}

/** A ColumnChunk and its ColumnMetaData. Throws ThriftError. */
export function checkChunkFields(chunk: ThriftStruct, meta: ThriftStruct): void {
  checkFields(chunk, IN_CHUNK);
  checkFields(meta, IN_CHUNK_META);
  const encodings = findField(meta, COLUMN_META.encodings);
  if (encodings === undefined) throw new ThriftError('lacks the encodings of a column chunk');
  for (const raw of readList(encodings.raw).elements) {
    const encoding = readInteger(raw);
    checkEnum(encoding, LAST_ENCODING);
    if (encoding === 1) throw new ThriftError('has an encoding that there is not');
  }
  const stats = findField(meta, COLUMN_META.encodingStats);
  if (stats !== undefined)
    for (const raw of readList(stats.raw).elements) checkFields(readStruct(raw), IN_ENCODING_STATS);
  const statistics = findField(meta, COLUMN_META.statistics);
  if (statistics !== undefined) checkFields(readStruct(statistics.raw), IN_STATISTICS);
}

function checkFields(struct: ThriftStruct, fields: Fields): void {
  for (const field of struct) {
    const { id, type } = field;
    const expected = fields.get(id);
    // No field of the format is one, and other readers stumble over it.
    if (expected === undefined && type !== TYPE.uuid) continue;
    const wanted = typeof expected === 'object' ? TYPE.i32 : expected;
    if (type !== wanted)
      throw new ThriftError(`has a field ${id} of the type ${type} instead of ${wanted ?? 'another'}`);
    if (typeof expected === 'object') checkEnum(field.integer, expected.upTo);
    else if (type === TYPE.i32) check32(field.integer);
  }
}

function checkEnum(value: number, upTo: number): void {
  if (value < 0 || value > upTo) throw new ThriftError(`has the number ${value} where there are ${upTo + 1} choices`);
}

function check32(value: number): void {
  if ((value | 0) !== value) throw new ThriftError(`has the number ${value} where 32 bits are expected`);
}
