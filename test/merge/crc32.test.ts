import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { combineCrc32, crc32 as ownCrc32, formatCrc32 } from '../../src/merge/crc32.ts';

test('the CRC of two sequences is that of their concatenation', () => {
  const bytes = randomBytes(70_000);
  for (const cut of [0, 1, 2, 7, 255, 4096, 65_536, 69_999, 70_000])
    assert.equal(
      combineCrc32(crc32(bytes.subarray(0, cut)), crc32(bytes.subarray(cut)), bytes.length - cut),
      crc32(bytes),
    );
  // Longer than any 32-bit count: n zero bytes move a CRC as two steps of n / 2 do.
  const half = 2 ** 33;
  const zeros = (length: number): number => combineCrc32(0x12345678, 0, length);
  assert.equal(zeros(2 * half), combineCrc32(zeros(half), 0, half));
});

test('it is the CRC-32 of zlib, of any length, from anywhere in memory, and behind other bytes', () => {
  const bytes = randomBytes(300_000);
  for (const length of [0, 1, 3, 15, 16, 17, 63, 64, 65, 255, 1023, 4097, 262_144, 299_990])
    for (const start of [0, 1, 7, 10]) {
      const piece = bytes.subarray(start, start + length);
      assert.equal(ownCrc32(piece), crc32(piece));
      assert.equal(ownCrc32(piece, 0xfedcba98), crc32(piece, 0xfedcba98));
    }
});

test('checksums are written with eight digits', () => {
  assert.equal(formatCrc32(0xab), '000000ab');
});
