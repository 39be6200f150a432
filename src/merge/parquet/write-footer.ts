import { FILE_META, ROW_GROUP } from './field-ids.ts';
import { keyValue, rootElement } from './rewrite.ts';
import { ThriftField, type ThriftStruct } from './thrift.ts';
import { TYPE } from './thrift-cursor.ts';
import { encodeStruct, i32Field, i64Field, listField, textField, encodeInteger } from './write-thrift.ts';

export interface OutputRowGroup {
  rows: number;
  /** Encoded ColumnChunk structs, in the order of the schema's leaves. */
  chunks: Uint8Array[];
  uncompressedBytes: number;
  compressedBytes: number;
  /** Offset of the first chunk. */
  start: number;
}

export interface OutputFooter {
  rows: number;
  topLevelColumns: number;
  /** Encoded schema elements without the root, depth first. */
  schema: Uint8Array[];
  rowGroups: OutputRowGroup[];
  /** Encoded ColumnOrder per leaf. */
  columnOrders: Uint8Array[];
  metadata: Record<string, string>;
  createdBy: string;
}

/** The bytes that end a Parquet file: FileMetaData, its length, the magic. */
export function encodeFooter(footer: OutputFooter): Uint8Array {
  const struct: ThriftStruct = [
    i32Field(FILE_META.version, 2),
    listField(FILE_META.schema, {
      elementType: TYPE.struct,
      elements: [rootElement(footer.topLevelColumns), ...footer.schema],
    }),
    i64Field(FILE_META.numRows, footer.rows),
    listField(FILE_META.rowGroups, {
      elementType: TYPE.struct,
      elements: footer.rowGroups.map(encodeRowGroup),
    }),
    listField(FILE_META.keyValueMetadata, {
      elementType: TYPE.struct,
      elements: Object.entries(footer.metadata).map(([key, value]) => keyValue(key, value)),
    }),
    textField(FILE_META.createdBy, footer.createdBy),
    listField(FILE_META.columnOrders, { elementType: TYPE.struct, elements: footer.columnOrders }),
  ];
  const bytes = encodeStruct(struct);
  const tail = Buffer.alloc(8);
  tail.writeUInt32LE(bytes.length, 0);
  tail.write('PAR1', 4, 'latin1');
  return Buffer.concat([bytes, tail]);
}

function encodeRowGroup(group: OutputRowGroup, index: number): Uint8Array {
  const struct: ThriftStruct = [
    listField(ROW_GROUP.columns, { elementType: TYPE.struct, elements: group.chunks }),
    i64Field(ROW_GROUP.totalByteSize, group.uncompressedBytes),
    i64Field(ROW_GROUP.numRows, group.rows),
    i64Field(ROW_GROUP.fileOffset, group.start),
    i64Field(ROW_GROUP.totalCompressedSize, group.compressedBytes),
  ];
  // The ordinal is a 16-bit number; it is optional, and only encryption needs it.
  if (index <= 32_767) struct.push(new ThriftField(ROW_GROUP.ordinal, TYPE.i16, encodeInteger(index)));
  return encodeStruct(struct);
}
