import { chmod, copyFile, constants, open } from 'node:fs/promises';
import { writeFully } from '../system/write-fully.ts';
import { COLUMN_CHUNK, COLUMN_META, PHYSICAL, SCHEMA_ELEMENT } from './field-ids.ts';
import { fixedLength } from './fixed-chunk.ts';
import type { Chunk, Footer } from './footer.ts';
import { pageIndexFields } from './page-index.ts';
import { TYPE_DEFINED_ORDER } from './rewrite.ts';
import type { Column } from './schema.ts';
import { integerOf, findField, readStruct, type ThriftField } from './thrift.ts';
import { TYPE } from './thrift-cursor.ts';
import { encodeStruct, encodeText, i32Field, listField, patchStruct, structField, textField } from './write-thrift.ts';
import { encodeFooter } from './write-footer.ts';

/** Name of column `index` in a physical view: no name of a user's column can collide with anything in a query. */
export const viewName = (index: number): string => `c${index}`;

/** What a column is that no service gives back as it was, bare physical values or not; null where it is no such. */
export function viewObstacle({ nested, physicalType }: Column): string | null {
  if (nested) return 'nested or repeated';
  if (physicalType === PHYSICAL.fixedLenByteArray) return 'of fixed length (binary, decimal, UUID or float16)';
  if (physicalType === PHYSICAL.int96) return 'a timestamp of the deprecated type INT96';
  return null;
}

/**
 * Writes a copy of a Parquet file that shows `columns` as bare physical values: no logical types, so that no reader
 * converts anything, and no statistics, which would be read in the order of the wrong type. They are named c0, c1, ...
 * The data is cloned where the file system can; the new footer is appended, and the old one is dead bytes before it.
 */
export async function writePhysicalView(
  sourcePath: string,
  footer: Footer,
  columns: Column[],
  viewPath: string,
): Promise<void> {
  await copyFile(sourcePath, viewPath, constants.COPYFILE_FICLONE);
  // A copy has the source's mode, which may forbid writing.
  await chmod(viewPath, 0o600);
  const handle = await open(viewPath, 'r+');
  try {
    const { size } = await handle.stat();
    const names = columns.map((_, i) => viewName(i));
    await writeFully(handle, encodeViewFooter(footer, columns, names), size);
  } finally {
    await handle.close();
  }
}

/**
 * What is to follow the bytes of a Parquet file so that it shows `columns` under these `names`, as bare physical values:
 * a footer, its length, the magic.
 */
export function encodeViewFooter(footer: Footer, columns: Column[], names: string[]): Uint8Array {
  return encodeFooter({
    rows: footer.rows,
    topLevelColumns: columns.length,
    schema: columns.map((column, i) => {
      const length = fixedLength(column);
      return encodeStruct([
        i32Field(SCHEMA_ELEMENT.type, shownType(column)),
        ...(length > 0 ? [i32Field(SCHEMA_ELEMENT.typeLength, length)] : []),
        i32Field(SCHEMA_ELEMENT.repetition, column.repetition),
        textField(SCHEMA_ELEMENT.name, names[i]!),
      ]);
    }),
    rowGroups: footer.rowGroups.map(({ rows, chunks }) => {
      const own = columns.map((column) => chunks[column.firstLeaf]!);
      return {
        rows,
        chunks: own.map((chunk, i) => renameChunk(chunk, names[i]!, false, shownType(columns[i]!))),
        uncompressedBytes: own.reduce((sum, chunk) => sum + chunk.uncompressedLength, 0),
        compressedBytes: own.reduce((sum, chunk) => sum + chunk.length, 0),
        start: own.length === 0 ? 4 : Math.min(...own.map(({ start }) => start)),
      };
    }),
    columnOrders: columns.map(() => TYPE_DEFINED_ORDER),
    metadata: {},
    createdBy: 'widemerge physical view',
  });
}

/** INT96 is stored as 12 bytes are; shown as a time, it would be read as one. */
const shownType = ({ physicalType }: Column): number =>
  physicalType === PHYSICAL.int96 ? PHYSICAL.fixedLenByteArray : physicalType!;

/** The ColumnChunk struct under another name; with or without its statistics, and without pointers to indexes. */
export function renameChunk(chunk: Chunk, name: string, keepStatistics: boolean, type?: number): Uint8Array {
  const struct = readStruct(chunk.raw);
  const meta = readStruct(findField(struct, COLUMN_CHUNK.metaData)!.raw);
  const metaPatches = new Map<number, ThriftField | null>([
    [
      COLUMN_META.pathInSchema,
      listField(COLUMN_META.pathInSchema, { elementType: TYPE.binary, elements: [encodeText(name)] }),
    ],
    [COLUMN_META.keyValueMetadata, null],
    [COLUMN_META.bloomFilterOffset, null],
    [COLUMN_META.bloomFilterLength, null],
  ]);
  if (type !== undefined) metaPatches.set(COLUMN_META.type, i32Field(COLUMN_META.type, type));
  if (!keepStatistics) metaPatches.set(COLUMN_META.statistics, null);
  const patches = new Map<number, ThriftField | null>([
    [COLUMN_CHUNK.metaData, structField(COLUMN_CHUNK.metaData, patchStruct(meta, metaPatches))],
    ...pageIndexFields(null),
  ]);
  return encodeStruct(patchStruct(struct, patches));
}

/** Number of the compression codec of a chunk. */
export function codecOf(chunk: Chunk): number {
  const meta = readStruct(findField(readStruct(chunk.raw), COLUMN_CHUNK.metaData)!.raw);
  return integerOf(meta, COLUMN_META.codec) ?? 0;
}
