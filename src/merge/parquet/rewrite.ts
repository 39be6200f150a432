/** The few fields of a footer that must change when a chunk comes to stand in another file; all else goes through. */
import { COLUMN_CHUNK, COLUMN_META, KEY_VALUE, REPETITION, SCHEMA_ELEMENT, STATISTICS } from './field-ids.ts';
import type { Chunk } from './footer.ts';
import { pageIndexFields, type PageIndexRanges } from './page-index.ts';
import type { Column } from './schema.ts';
import { findField, integerOf, readBinary, readStruct, type ThriftField, type ThriftStruct } from './thrift.ts';
import { encodeStruct, i32Field, i64Field, patchStruct, structField, textField } from './write-thrift.ts';

/** TypeDefinedOrder: bounds compare as the column's logical type says. */
export const TYPE_DEFINED_ORDER = encodeStruct([structField(1, [])]);

/**
 * The ColumnChunk struct of a chunk that moved by `shift` bytes, and of its page indexes, where they have been written, too. Bloom filters
 * stay behind; bounds go where they cannot be trusted, and the deprecated pair always.
 */
export function moveChunk(
  chunk: Chunk,
  shift: number,
  keepBounds: boolean,
  indexes: PageIndexRanges | null = null,
): Uint8Array {
  const struct = readStruct(chunk.raw);
  const meta = readStruct(findField(struct, COLUMN_CHUNK.metaData)!.raw);
  const patches = new Map<number, ThriftField | null>([
    [COLUMN_META.indexPageOffset, null],
    [COLUMN_META.bloomFilterOffset, null],
    [COLUMN_META.bloomFilterLength, null],
  ]);
  for (const id of [COLUMN_META.dataPageOffset, COLUMN_META.dictionaryPageOffset]) {
    const field = findField(meta, id);
    if (field === undefined) continue;
    const offset = field.integer;
    // Some writers say 0 for "no dictionary"; a moved 0 would point at somebody else's bytes.
    patches.set(id, offset > 0 ? i64Field(id, offset + shift) : null);
  }
  const statistics = findField(meta, COLUMN_META.statistics);
  if (statistics !== undefined)
    patches.set(
      COLUMN_META.statistics,
      structField(
        COLUMN_META.statistics,
        trustedStatistics(readStruct(statistics.raw), keepBounds, integerOf(meta, COLUMN_META.type)),
      ),
    );
  return encodeStruct(
    patchStruct(
      struct,
      new Map<number, ThriftField | null>([
        [COLUMN_CHUNK.fileOffset, i64Field(COLUMN_CHUNK.fileOffset, 0)],
        [COLUMN_CHUNK.metaData, structField(COLUMN_CHUNK.metaData, patchStruct(meta, patches))],
        ...pageIndexFields(indexes),
      ]),
    ),
  );
}

function trustedStatistics(statistics: ThriftStruct, keepBounds: boolean, physicalType: number | null): ThriftStruct {
  const dropped = new Set<number>([STATISTICS.deprecatedMax, STATISTICS.deprecatedMin]);
  const width = physicalType === null ? undefined : WIDTHS[physicalType];
  const isBound = (bytes: Uint8Array): boolean => width === undefined || readBinary(bytes).length === width;
  // Bounds of another size than their type's are no bounds; readers refuse a column for them.
  const known = [STATISTICS.maxValue, STATISTICS.minValue].map((id) => findField(statistics, id));
  if (!keepBounds || known.some((field) => field !== undefined && !isBound(field.raw)))
    for (const id of [STATISTICS.maxValue, STATISTICS.minValue, STATISTICS.isMaxExact, STATISTICS.isMinExact])
      dropped.add(id);
  return statistics.filter((field) => !dropped.has(field.id));
}

/** Bytes of a bound, by physical type; byte arrays have any number. */
const WIDTHS: readonly (number | undefined)[] = [1, 4, 8, 12, 4, 8];

/** Schema elements of a column in the output. `optional`: it was rewritten, and rows may lack a value. */
export function moveSchema(
  column: Column,
  { optional, keepFieldIds }: { optional: boolean; keepFieldIds: boolean },
): Uint8Array[] {
  return column.elements.map((element, i) => {
    const patches = new Map<number, ThriftField | null>();
    if (!keepFieldIds) patches.set(SCHEMA_ELEMENT.fieldId, null);
    if (optional && i === 0)
      patches.set(SCHEMA_ELEMENT.repetition, i32Field(SCHEMA_ELEMENT.repetition, REPETITION.optional));
    return encodeStruct(patchStruct(element, patches));
  });
}

export function rootElement(children: number): Uint8Array {
  return encodeStruct([textField(SCHEMA_ELEMENT.name, 'schema'), i32Field(SCHEMA_ELEMENT.numChildren, children)]);
}

export function keyValue(key: string, value: string): Uint8Array {
  return encodeStruct([textField(KEY_VALUE.key, key), textField(KEY_VALUE.value, value)]);
}
