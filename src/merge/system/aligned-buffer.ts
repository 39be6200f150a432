import koffi from 'koffi';

/** Direct reads and writes start, end and land at multiples of this: the largest block that file systems here have. */
export const ALIGNMENT = 4096;

/** A buffer for reads of up to `length` bytes wherever they start; its memory begins at a multiple of the alignment. */
export function alignedBuffer(length: number): Buffer {
  const size = (Math.ceil(length / ALIGNMENT) + 1) * ALIGNMENT;
  const memory = Buffer.allocUnsafeSlow(size + ALIGNMENT);
  const offset = (ALIGNMENT - Number(koffi.address(memory) % BigInt(ALIGNMENT))) % ALIGNMENT;
  return memory.subarray(offset, offset + size);
}
