/**
 * The Arrow schema that writers leave in a Parquet footer under `ARROW:schema`: an IPC message in base64, which tells what the Parquet types
 * do not, dictionaries, durations, names of zones, widths of lists and texts, extension types.
 * Source: https://github.com/apache/arrow/blob/main/format/Schema.fbs and Message.fbs
 */
import { encodeFlatbuffer, FlatbufferError, Reader, type Row, type Rows, type Shape, type Slot } from './flatbuffer.ts';

export const ARROW_SCHEMA_KEY = 'ARROW:schema';

/** Kinds of types by their number in the format's union; those that no Parquet file has are not known here. */
export const ARROW_TYPE = {
  null: 1,
  int: 2,
  floatingPoint: 3,
  binary: 4,
  utf8: 5,
  bool: 6,
  decimal: 7,
  date: 8,
  time: 9,
  timestamp: 10,
  list: 12,
  struct: 13,
  fixedSizeBinary: 15,
  fixedSizeList: 16,
  map: 17,
  duration: 18,
  largeBinary: 19,
  largeUtf8: 20,
  largeList: 21,
  binaryView: 23,
  utf8View: 24,
  listView: 25,
  largeListView: 26,
} as const;

const INT: Shape = ['i32', 'bool'];
const TYPES: (Shape | null)[] = Array.from({ length: 27 }, () => null);
for (const [id, shape] of [
  [ARROW_TYPE.null, []],
  [ARROW_TYPE.int, INT],
  [ARROW_TYPE.floatingPoint, ['i16']],
  [ARROW_TYPE.binary, []],
  [ARROW_TYPE.utf8, []],
  [ARROW_TYPE.bool, []],
  // Precision, scale, bits.
  [ARROW_TYPE.decimal, ['i32', 'i32', 'i32']],
  [ARROW_TYPE.date, ['i16']],
  // Unit, bits.
  [ARROW_TYPE.time, ['i16', 'i32']],
  // Unit, zone.
  [ARROW_TYPE.timestamp, ['i16', 'bytes']],
  [ARROW_TYPE.list, []],
  [ARROW_TYPE.struct, []],
  [ARROW_TYPE.fixedSizeBinary, ['i32']],
  [ARROW_TYPE.fixedSizeList, ['i32']],
  [ARROW_TYPE.map, ['bool']],
  [ARROW_TYPE.duration, ['i16']],
  [ARROW_TYPE.largeBinary, []],
  [ARROW_TYPE.largeUtf8, []],
  [ARROW_TYPE.largeList, []],
  [ARROW_TYPE.binaryView, []],
  [ARROW_TYPE.utf8View, []],
  [ARROW_TYPE.listView, []],
  [ARROW_TYPE.largeListView, []],
] as [number, Shape][])
  TYPES[id] = shape;

/** Slots of a field and of its dictionary. */
export const FIELD = { name: 0, nullable: 1, typeId: 2, type: 3, dictionary: 4, children: 5, metadata: 6 } as const;
export const DICTIONARY = { id: 0, indexType: 1 } as const;

const KEY_VALUE: Shape = ['bytes', 'bytes'];
/** Id, type of the indexes, ordered, kind. */
const DICTIONARY_SHAPE: Shape = ['i64', { table: INT }, 'bool', 'i16'];
const FIELD_SHAPE: Slot[] = ['bytes', 'bool', 'u8', { union: TYPES }, { table: DICTIONARY_SHAPE }];
FIELD_SHAPE.push({ tables: FIELD_SHAPE }, { tables: KEY_VALUE });
/** Endianness, fields, metadata. */
const SCHEMA_SHAPE: Shape = ['i16', { tables: FIELD_SHAPE }, { tables: KEY_VALUE }];
const SCHEMA = { endianness: 0, fields: 1 } as const;
/** Version, header. */
const MESSAGE_SHAPE: Shape = ['i16', 'u8', { union: [null, SCHEMA_SHAPE] }];
const MESSAGE = { headerId: 1, header: 2 } as const;
const VERSION_5 = 4;
const SCHEMA_HEADER = 1;

/** Writers keep metadata of their own in it, too, which may be longer than the fields, and is not read. */
const MAX_TEXT_BYTES = 16 * 1024 ** 2;
const CONTINUATION = 0xffffffff;

/** The fields of a schema, read when they are asked for. */
export interface ArrowSchema {
  length: number;
  /** Throws FlatbufferError. */
  field: (index: number) => Row;
}

/** Opens the value of an `ARROW:schema`. Throws FlatbufferError, also where it is longer than `most`, or its fields would take more than `budget` bytes. */
export function openArrowSchema(base64: string, budget: number, most = MAX_TEXT_BYTES): ArrowSchema {
  if (base64.length > most) throw new FlatbufferError(`has ${base64.length} bytes`);
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length < 8) throw new FlatbufferError('is too short');
  // Before version 0.15 there was no mark before the length.
  const start = bytes.readUInt32LE(0) === CONTINUATION ? 8 : 4;
  const reader = new Reader(bytes.subarray(start), budget);
  const root = reader.rootPosition();
  const message = reader.slotAt(root, MESSAGE.header, 4);
  const tag = reader.table(root, MESSAGE_SHAPE.slice(0, MESSAGE.header))[MESSAGE.headerId];
  if (message === null || tag !== SCHEMA_HEADER) throw new FlatbufferError('is no schema');
  const schema = reader.follow(message);
  const [endianness] = reader.table(schema, SCHEMA_SHAPE.slice(0, SCHEMA.fields));
  if (endianness !== undefined && endianness !== 0) throw new FlatbufferError('is of a big-endian machine');
  const at = reader.slotAt(schema, SCHEMA.fields, 4);
  if (at === null) return { length: 0, field: () => [] };
  const positions = reader.tablePositions(at);
  return { length: positions.length, field: (index) => reader.table(positions.at(index), FIELD_SHAPE) };
}

/**
 * The value of an `ARROW:schema` of these fields; they are asked for one after the other. Where there is one, pyarrow looks into it for the
 * metadata of the file, and not beside it.
 */
export function encodeArrowSchema(fields: Rows, metadata: Record<string, string>): string {
  const entries = Object.entries(metadata).map((entry) => entry.map((text) => Buffer.from(text)));
  const message = encodeFlatbuffer(MESSAGE_SHAPE, [VERSION_5, SCHEMA_HEADER, [undefined, fields, entries]]);
  const padded = Math.ceil(message.length / 8) * 8;
  const bytes = Buffer.alloc(8 + padded);
  bytes.writeUInt32LE(CONTINUATION, 0);
  bytes.writeInt32LE(padded, 4);
  message.copy(bytes, 8);
  return bytes.toString('base64');
}
