import { ALIGNMENT, alignedBuffer } from './aligned-buffer.ts';

/** Of a processor's cache. */
const LINE_BYTES = 64;

/**
 * Memory for reads of a file, one after the other, that grows with what is asked for. What the kernel copies out of its page cache lands half a page away from where it
 * lies in its own page: to memory 1 to 15 bytes further on it takes three times as long, and to the same place in the page 1.4 times (seen on AMD EPYC).
 */
export class Scratch {
  #memory: Buffer = Buffer.alloc(0);

  /** `length` bytes for what stands at `position` of the file; good until the next call. */
  take(length: number, position: number): Buffer {
    // A little more: what comes next may be a little longer, and what is given up waits for the next garbage collection.
    if (this.#memory.length < ALIGNMENT + length) this.#memory = alignedBuffer(ALIGNMENT + Math.ceil(1.25 * length));
    const opposite = (position + ALIGNMENT / 2) % ALIGNMENT;
    const lead = opposite - (opposite % LINE_BYTES);
    return this.#memory.subarray(lead, lead + length);
  }
}
