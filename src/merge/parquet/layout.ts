/**
 * Where the chunks of the sources come to lie in the output: row-group-major, then file, then column.
 *
 * Each contiguous range of wanted chunks keeps its offset modulo the file system's block, and no two ranges share a
 * block of the output, so that a file system with clones can share the blocks instead of copying them. That costs less
 * than two blocks a range; Parquet readers go by offsets, and gaps are allowed. Pure: numbers in, numbers out.
 */

export interface ByteRange {
  start: number;
  length: number;
}

/** A range of a source and where it goes. */
export interface Segment extends ByteRange {
  target: number;
}

/** Joins ranges that touch each other, in ascending order. Throws RangeError where two overlap. */
export function joinRanges(ranges: ByteRange[]): ByteRange[] {
  const joined: ByteRange[] = [];
  for (const range of ranges.filter(({ length }) => length > 0).toSorted((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    const end = last === undefined ? -1 : last.start + last.length;
    if (last !== undefined && range.start < end) throw new RangeError(`bytes ${range.start} to ${end} stand twice`);
    if (last !== undefined && range.start === end) last.length += range.length;
    else joined.push({ start: range.start, length: range.length });
  }
  return joined;
}

/** Places ranges one after the other from `position` on. Returns them with their targets, and the end of the last. */
export function placeRanges(
  ranges: ByteRange[],
  position: number,
  blockBytes: number,
): { segments: Segment[]; end: number } {
  let end = position;
  const segments = ranges.map((range) => {
    const target = Math.ceil(end / blockBytes) * blockBytes + (range.start % blockBytes);
    end = target + range.length;
    return { ...range, target };
  });
  return { segments, end };
}

/** Where the byte at `start` of a source went. */
export function targetOf(segments: Segment[], start: number): number {
  for (const segment of segments)
    if (start >= segment.start && start < segment.start + Math.max(segment.length, 1))
      return segment.target + start - segment.start;
  throw new RangeError(`no segment holds byte ${start}`);
}
