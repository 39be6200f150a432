/** Pages and pieces of pages that say of themselves what is not so: an error at once, whatever they claim. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CODEC, decompress } from '../../../src/merge/parquet/decompress.ts';
import { decodeDeltas, decodeDeltaTexts } from '../../../src/merge/parquet/delta.ts';
import { decodeHybrid } from '../../../src/merge/parquet/hybrid.ts';
import { decompressLz4Raw } from '../../../src/merge/parquet/lz4.ts';
import { PageWalk } from '../../../src/merge/parquet/page-header.ts';
import { readI64, readStruct } from '../../../src/merge/parquet/thrift.ts';
import { encodeStruct, i32Field, structField } from '../../../src/merge/parquet/write-thrift.ts';

const page = (values: number, bytes: number): Buffer =>
  Buffer.concat([
    encodeStruct([
      i32Field(1, 0),
      i32Field(2, bytes),
      i32Field(3, bytes),
      structField(5, [i32Field(1, values), i32Field(2, 0), i32Field(3, 3), i32Field(4, 3)]),
    ]),
    Buffer.alloc(bytes, 0xff),
  ]);

test('a run of two billion values fills what there is', () => {
  const output = new Uint8Array(5);
  decodeHybrid(Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0x0f, 1), 1, output);
  assert.deepEqual([...output], [1, 1, 1, 1, 1]);
  assert.throws(
    () => decodeHybrid(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 1), 1, new Uint8Array(9)),
    /middle of a run/,
  );
  assert.throws(() => decodeHybrid(new Uint8Array(100).fill(0xff), 1, output), /more than 32 bits/);
});

test('bit-packed runs of every width give their values', () => {
  for (let width = 1; width <= 24; width++) {
    const values = Array.from({ length: 16 }, (_, i) => (i * 0x9e3779 + 1) % 2 ** width);
    const bits = values.map((value) => value.toString(2).padStart(width, '0').split('').reverse().join('')).join('');
    const bytes = bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte.split('').reverse().join(''), 2));
    const output = new Uint32Array(16);
    decodeHybrid(Uint8Array.from([(2 << 1) | 1, ...bytes]), width, output);
    assert.deepEqual([...output], values);
  }
});

test('deltas in no blocks, or of numbers without end', () => {
  const output = new BigInt64Array(3);
  assert.throws(() => decodeDeltas(Uint8Array.of(0, 4, 3, 0), 0, output), /blocks of 0 deltas/);
  assert.throws(() => decodeDeltas(Uint8Array.of(0x80, 1, 0, 3, 0), 0, output), /in 0 parts/);
  assert.throws(
    () => decodeDeltas(Uint8Array.of(0x80, 1, 4, ...new Array<number>(99).fill(0xff)), 0, output),
    /64 bits/,
  );
});

test('a text that repeats more than there is', () => {
  const [prefixes, suffixes] = [
    [8, 1, 1, 18],
    [8, 1, 1, 0],
  ];
  assert.throws(() => decodeDeltaTexts(Uint8Array.from([...prefixes, ...suffixes]), 1), /repeats more/);
});

test('an LZ4 block that ends too early, or refers to nothing, gives no zeros', () => {
  assert.deepEqual([...decompressLz4Raw(Uint8Array.of(0x21, 7, 8, 2, 0, 0x10, 9), 8)], [7, 8, 7, 8, 7, 8, 7, 9]);
  assert.throws(() => decompressLz4Raw(Uint8Array.of(0x20, 7, 8), 100), /has 2 bytes/);
  assert.throws(() => decompressLz4Raw(Uint8Array.of(0x21, 7, 8, 3, 0), 100), /has not/);
});

test('no page gets more bytes than its own can give', () => {
  for (const codec of [CODEC.snappy, CODEC.lz4, CODEC.lz4Raw])
    assert.throws(() => decompress(codec, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 7, 0), 2 ** 31 - 1), /at most/);
});

test('pages are followed in pieces of any size, to the end of their chunk', () => {
  const chunk = Buffer.concat([page(3, 100), page(4, 50)]);
  const walk = (bytes: Buffer, length: number, values: number, piece: number): void => {
    const own = new PageWalk({ bytes: length, values, index: null });
    for (let at = 0; at < bytes.length; at += piece) own.add(bytes.subarray(at, at + piece));
  };
  for (const piece of [1, 7, 1000]) {
    walk(chunk, chunk.length, 7, piece);
    assert.throws(() => walk(chunk.subarray(0, -1), chunk.length - 1, 7, piece), /longer than its column chunk/);
    assert.throws(() => walk(chunk.subarray(0, -60), chunk.length - 60, 7, piece), /longer|values in the pages/);
    assert.throws(() => walk(chunk, chunk.length, 8, piece), /7 values/);
  }
});

test('a field that stands twice, or is no number, is refused', () => {
  assert.throws(() => readStruct(encodeStruct([i32Field(1, 1), i32Field(1, 2)])), /twice/);
  assert.throws(() => readI64(new Uint8Array(11)), /a number is expected/);
});
