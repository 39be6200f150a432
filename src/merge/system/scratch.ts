/**
 * Copying to memory that lies 1 to 15 bytes further on in its page than what is copied takes three times as long (seen on AMD EPYC, where it
 * is more than a cache holds): most files have a column from byte 4 on, and memory is given out from byte 16 of a page on.
 */
const LEAD_BYTES = 64;

/** Memory for reads, one after the other, that grows with what is asked for. */
export class Scratch {
  #memory = Buffer.alloc(0);

  /** Of `length` bytes; good until the next call. */
  take(length: number): Buffer {
    // A little more: what comes next may be a little longer, and what is given up waits for the next garbage collection.
    if (this.#memory.length < LEAD_BYTES + length)
      this.#memory = Buffer.allocUnsafeSlow(LEAD_BYTES + Math.ceil(1.25 * length));
    return this.#memory.subarray(LEAD_BYTES, LEAD_BYTES + length);
  }
}
