/** Values of fixed length, written in pages of our own, come back from the decoder as they were. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CODEC } from '../../../src/merge/parquet/decompress.ts';
import { PHYSICAL, REPETITION, SCHEMA_ELEMENT } from '../../../src/merge/parquet/field-ids.ts';
import { encodeFixedChunk, fixedLength } from '../../../src/merge/parquet/fixed-chunk.ts';
import { codecOf } from '../../../src/merge/parquet/physical-view.ts';
import type { Column } from '../../../src/merge/parquet/schema.ts';
import { i32Field } from '../../../src/merge/parquet/write-thrift.ts';
import { decodeChunk } from '../../../src/merge/parquet/values.ts';

const columnOf = (physicalType: number, length: number): Column => ({
  name: 'c',
  elements: [[i32Field(SCHEMA_ELEMENT.type, physicalType), i32Field(SCHEMA_ELEMENT.typeLength, length)]],
  firstLeaf: 0,
  leaves: 1,
  nested: false,
  physicalType,
  repetition: REPETITION.optional,
});

const valuesOf = (rows: number, width: number): Uint8Array[] =>
  Array.from({ length: rows }, (_, row) => Uint8Array.from({ length: width }, (_, i) => (row * 31 + i * 7) & 0xff));

test('of several pages, with nulls, without, and of nulls alone, in each codec', () => {
  const rows = 70_001;
  const some = Uint8Array.from({ length: rows }, (_, row) => (row % 5 === 3 || row > 69_000 ? 1 : 0));
  for (const [column, codec] of [
    [columnOf(PHYSICAL.fixedLenByteArray, 16), CODEC.zstd],
    [columnOf(PHYSICAL.fixedLenByteArray, 3), CODEC.gzip],
    [columnOf(PHYSICAL.int96, 0), CODEC.uncompressed],
  ] as const)
    for (const nulls of [null, some, new Uint8Array(rows).fill(1)]) {
      const values = valuesOf(rows, fixedLength(column));
      const { bytes, chunk } = encodeFixedChunk({ values, nulls }, column, codec, 4);
      assert.equal(codecOf(chunk), codec);
      assert.equal(chunk.length, bytes.length);
      const read = decodeChunk(bytes, chunk, column, rows);
      assert.ok(read.kind === 'bytes');
      for (let row = 0; row < rows; row++) {
        assert.equal(read.nulls?.[row] ?? 0, nulls?.[row] ?? 0);
        if (nulls?.[row] !== 1) assert.equal(Buffer.compare(read.values[row]!, values[row]!), 0, `row ${row}`);
      }
    }
});

test('a codec that cannot be written becomes zstd; a value of another length is an error', () => {
  const column = columnOf(PHYSICAL.fixedLenByteArray, 2);
  const written = encodeFixedChunk({ values: valuesOf(3, 2), nulls: null }, column, CODEC.snappy, 4);
  assert.equal(codecOf(written.chunk), CODEC.zstd);
  assert.throws(() => encodeFixedChunk({ values: valuesOf(3, 3), nulls: null }, column, 0, 4), /3 bytes where 2/);
});
