import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { combineCrc32, formatCrc32 } from '../../src/merge/crc32.ts';

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

test('checksums are written with eight digits', () => {
  assert.equal(formatCrc32(0xab), '000000ab');
});
