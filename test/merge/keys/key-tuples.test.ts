import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { formatKeys, packKeys, unpackKeys } from '../../../src/merge/keys/key-tuples.ts';
import type { KeyType, KeyValue, KeyValues } from '../../../src/merge/keys/key-values.ts';

const SIGNED: KeyType = { kind: 'integer', signed: true };
const UNSIGNED: KeyType = { kind: 'integer', signed: false };
const TEXT: KeyType = { kind: 'text' };

const valueOf = (type: KeyType): fc.Arbitrary<KeyValue> => {
  if (type === SIGNED)
    return fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -3n, max: 3n }));
  if (type === UNSIGNED) return fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 3n }));
  // Bytes as characters: those that mark the end of a text most of all.
  const byte = fc.oneof(fc.constantFrom(0, 1, 255), fc.nat(255));
  return fc.array(byte, { maxLength: 4 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
};

/** Types of two columns or more, and tuples of them. */
const tuples = fc
  .array(fc.constantFrom(SIGNED, UNSIGNED, TEXT), { minLength: 2, maxLength: 4 })
  .chain((types) =>
    fc.tuple(fc.constant(types), fc.array(fc.tuple(...types.map(valueOf)), { minLength: 2, maxLength: 20 })),
  );

function columnsOf(types: KeyType[], rows: KeyValue[][]): KeyValues[] {
  return types.map((type, i) => {
    const values = rows.map((row) => row[i]!);
    if (type === TEXT) return { kind: 'text', values: values as string[] };
    const integers = values as bigint[];
    return { kind: 'integer', values: type === SIGNED ? BigInt64Array.from(integers) : BigUint64Array.from(integers) };
  });
}

function compareTuples(a: KeyValue[], b: KeyValue[]): number {
  for (const [i, value] of a.entries()) {
    if (value < b[i]!) return -1;
    if (value > b[i]!) return 1;
  }
  return 0;
}

test('packed tuples are equal, and in order, where the tuples are; and come back', () => {
  fc.assert(
    fc.property(tuples, ([types, rows]) => {
      const columns = columnsOf(types, rows);
      const packed = packKeys(columns);
      assert.ok(packed.kind === 'text');
      const [first, ...others] = packed.values;
      for (const [i, other] of others.entries())
        assert.equal(Math.sign(compareTuples(rows[0]!, rows[i + 1]!)), first! < other ? -1 : first! > other ? 1 : 0);
      assert.deepEqual(unpackKeys(packed, types), columns);
    }),
  );
});

test('a key of one column is packed and unpacked to itself', () => {
  const keys: KeyValues = { kind: 'integer', values: BigInt64Array.of(3n, -1n) };
  assert.equal(packKeys([keys]), keys);
  assert.equal(unpackKeys(keys, [SIGNED])[0], keys);
});

test('a tuple is shown as its values', () => {
  const types: KeyType[] = [TEXT, { kind: 'timestamp', unit: 'us', utc: true }, UNSIGNED];
  const values = ['EUR"USD', 1_700_000_000_000_001n, 2n ** 64n - 1n];
  const packed = packKeys(columnsOf([TEXT, SIGNED, UNSIGNED], [values]));
  assert.equal(
    formatKeys(packed.values[0]!, types),
    '("EUR\\"USD", 2023-11-14T22:13:20.000001000Z, 18446744073709551615)',
  );
  assert.equal(formatKeys(7n, [SIGNED]), '7');
});
