import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  findField,
  readI64,
  readInteger,
  readList,
  readStruct,
  readText,
  ThriftField,
} from '../../../src/merge/parquet/thrift.ts';
import { ThriftError, TYPE } from '../../../src/merge/parquet/thrift-cursor.ts';
import {
  encodeInteger,
  encodeList,
  encodeStruct,
  encodeText,
  i64Field,
  patchStruct,
} from '../../../src/merge/parquet/write-thrift.ts';

const leaf: fc.Arbitrary<{ type: number; raw: Uint8Array }> = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => ({ type: TYPE.i64, raw: encodeInteger(n) })),
  fc.string().map((text) => ({ type: TYPE.binary, raw: encodeText(text) })),
  fc.boolean().map((bool) => ({ type: bool ? TYPE.true : TYPE.false, raw: new Uint8Array() })),
  fc.array(fc.string(), { maxLength: 40 }).map((texts) => ({
    type: TYPE.list,
    raw: encodeList({ elementType: TYPE.binary, elements: texts.map(encodeText) }),
  })),
);
const struct = fc
  .uniqueArray(fc.integer({ min: 1, max: 3000 }), { maxLength: 12 })
  .chain((ids) => fc.tuple(...ids.map((id) => leaf.map(({ type, raw }) => new ThriftField(id, type, raw)))));

test('what is read is written again byte for byte', () => {
  fc.assert(
    fc.property(struct, (fields) => {
      const bytes = encodeStruct(fields);
      assert.deepEqual(Buffer.from(encodeStruct(readStruct(bytes))), Buffer.from(bytes));
    }),
  );
});

const anySize = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
/** Of every length: of random numbers of 64 bits hardly one is short. */
const integer = fc.tuple(anySize, fc.integer({ min: 0, max: 63 })).map(([number, shift]) => number >> BigInt(shift));

test('integers keep all their 64 bits', () => {
  fc.assert(
    fc.property(integer, (value) => {
      assert.equal(readI64(encodeInteger(value)), value);
      const number = Number(value);
      if (!Number.isSafeInteger(number)) return;
      assert.equal(readInteger(encodeInteger(number)), number);
      assert.deepEqual(encodeInteger(number), encodeInteger(BigInt(number)));
    }),
  );
  assert.throws(() => readInteger(encodeInteger(2n ** 60n)), ThriftError);
});

test('a patch replaces, adds and removes, and leaves the rest', () => {
  const before = [i64Field(1, 10), i64Field(2, 20), i64Field(40, 30)];
  const after = readStruct(
    encodeStruct(
      patchStruct(
        before,
        new Map([
          [1, null],
          [2, i64Field(2, -1)],
          [3, i64Field(3, 5)],
        ]),
      ),
    ),
  );
  assert.deepEqual(
    after.map(({ id, raw }) => [id, readInteger(raw)]),
    [
      [2, -1],
      [3, 5],
      [40, 30],
    ],
  );
});

test('lists of any length are read back', () => {
  const texts = Array.from({ length: 300 }, (_, i) => `column ${i}`);
  const raw = encodeList({ elementType: TYPE.binary, elements: texts.map(encodeText) });
  assert.deepEqual(readList(raw).elements.map(readText), texts);
});

test('hostile bytes end with a ThriftError, whatever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        for (const field of readStruct(bytes)) if (field.type === TYPE.list) readList(field.raw);
      } catch (error) {
        assert.ok(error instanceof ThriftError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

test('a list that claims more elements than bytes is refused before memory is taken for it', () => {
  assert.throws(() => readList(Uint8Array.of(0xf3, 0xff, 0xff, 0xff, 0xff, 0x07)), /longer than its bytes/);
});

test('nesting without end is refused', () => {
  assert.throws(() => readStruct(new Uint8Array(10_000).fill((1 << 4) | TYPE.struct)), ThriftError);
});

test('a field that is not there is undefined', () => {
  assert.equal(findField([i64Field(1, 1)], 2), undefined);
});
