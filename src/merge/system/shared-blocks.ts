import { fstatSync } from 'node:fs';
import type { Extent, ExtentMap } from './extents.ts';
import { SystemCallError } from './libc.ts';

/**
 * Tells whether ranges of two files lie in the same blocks of one disk: then neither can differ from the other, and to
 * read one is to read both. False wherever that is not sure.
 */
export class SharedBlocks {
  readonly #one: ExtentMap;
  readonly #other: ExtentMap;
  /** Of one disk, whose file system tells where files lie. */
  #known: boolean;

  constructor(one: ExtentMap, other: ExtentMap) {
    this.#one = one;
    this.#other = other;
    this.#known = fstatSync(one.fd).dev === fstatSync(other.fd).dev;
  }

  holdBoth(start: number, otherStart: number, length: number): boolean {
    if (!this.#known) return false;
    try {
      return sameBlocks(this.#one.within(start, length), this.#other.within(otherStart, length), {
        start,
        otherStart,
        length,
      });
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      this.#known = false;
      return false;
    }
  }
}

/** Extents that hold bytes of the range of each file, ascending. Pure. */
export function sameBlocks(
  extents: Extent[],
  others: Extent[],
  { start, otherStart, length }: { start: number; otherStart: number; length: number },
): boolean {
  for (let done = 0; done < length;) {
    const own = placeOf(extents, start + done);
    const other = placeOf(others, otherStart + done);
    if (own === null || other === null || own.physical !== other.physical) return false;
    done += Math.min(own.rest, other.rest);
  }
  return true;
}

/** Where a byte lies, and how many bytes from it on lie behind it; null where that is not known, or nobody shares it. */
function placeOf(extents: Extent[], at: number): { physical: bigint; rest: number } | null {
  const extent = extents.find(({ start, length }) => at >= start && at < start + length);
  if (extent?.shared !== true) return null;
  const offset = at - extent.start;
  return { physical: extent.physical + BigInt(offset), rest: extent.length - offset };
}
