/** The rows of a table that have come: each exactly once, 0 to rows - 1. */
import type { Data } from 'apache-arrow';
import { DataType } from 'apache-arrow';
import { typeName, ValueMismatch } from './read-columns.ts';

export class SeenPositions {
  private readonly seen: Uint8Array;
  private count = 0;
  private readonly rows: number;

  constructor(rows: number) {
    this.rows = rows;
    this.seen = new Uint8Array(rows);
  }

  /** The positions of a batch, each noted. Throws ValueMismatch. */
  take(data: Data): Uint32Array {
    if (!DataType.isInt(data.type) || data.type.bitWidth !== 64 || data.nullCount > 0)
      throw new ValueMismatch(`position came as ${typeName(data)}, ${data.nullCount} times null`);
    const longs = data.values as BigInt64Array;
    const halves = new Uint32Array(longs.buffer, longs.byteOffset, 2 * data.length);
    const positions = new Uint32Array(data.length);
    for (let i = 0; i < positions.length; i++) {
      const position = halves[2 * i]!;
      if (halves[2 * i + 1] !== 0 || position >= this.rows)
        throw new ValueMismatch(`position ${longs[i]} comes where there are ${this.rows} rows`);
      if (this.seen[position] === 1) throw new ValueMismatch(`position ${position} comes twice`);
      this.seen[position] = 1;
      positions[i] = position;
    }
    this.count += positions.length;
    return positions;
  }

  /** Throws ValueMismatch where a row has not come. */
  assertWhole(): void {
    if (this.count === this.rows) return;
    throw new ValueMismatch(
      `${this.rows - this.count} of ${this.rows} rows do not come, the first with position ${this.seen.indexOf(0)}`,
    );
  }
}
