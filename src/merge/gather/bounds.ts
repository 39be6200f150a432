import { PHYSICAL } from '../parquet/field-ids.ts';
import { bytesOf, type Cells, type CellType } from './cells.ts';

/** Smallest and largest value, as statistics have them. */
export interface Bounds {
  min: Uint8Array;
  max: Uint8Array;
}

/**
 * Bounds of values in the order of their physical type, or null where there is no value, the type has no such order, or one
 * is NaN: what readers make of bounds beside a NaN differs.
 */
export function boundsOf({ physicalType }: CellType, cells: Cells): Bounds | null {
  if (cells.length === 0) return null;
  switch (physicalType) {
    case PHYSICAL.int32:
    case PHYSICAL.boolean:
      return numberBounds(cells, cells.BYTES_PER_ELEMENT);
    case PHYSICAL.int64:
      return longBounds(cells);
    case PHYSICAL.float:
      return floatBounds(new Float32Array(cells.buffer, cells.byteOffset, cells.length), 4);
    case PHYSICAL.double:
      return floatBounds(new Float64Array(cells.buffer, cells.byteOffset, cells.length / 2), 8);
    default:
      return null;
  }
}

function numberBounds(cells: Cells, width: number): Bounds {
  let min = cells[0]!;
  let max = min;
  for (let i = 1; i < cells.length; i++) {
    const value = cells[i]!;
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  return { min: encode(min, width), max: encode(max, width) };
}

const encode = (value: number, width: number): Uint8Array =>
  width === 1 ? Uint8Array.of(value) : bytesOf(Int32Array.of(value));

/** By halves, the low ones first: without a bigint for each. */
function longBounds(cells: Cells): Bounds {
  let min = 0;
  let max = 0;
  const isBelow = (i: number, j: number): boolean => {
    const [high, other] = [cells[i + 1]!, cells[j + 1]!];
    return high === other ? cells[i]! >>> 0 < cells[j]! >>> 0 : high < other;
  };
  for (let i = 2; i < cells.length; i += 2)
    if (isBelow(i, min)) min = i;
    else if (isBelow(max, i)) max = i;
  const at = (i: number): Uint8Array => bytesOf(Int32Array.of(cells[i]!, cells[i + 1]!));
  return { min: at(min), max: at(max) };
}

function floatBounds(values: Float32Array | Float64Array, width: 4 | 8): Bounds | null {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    // Not below, not above, not equal: NaN.
    if (value !== value) return null;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  // Which of the two zeros stands there is not known: the lower one below, the higher one above.
  return { min: float(min === 0 ? -0 : min, width), max: float(max === 0 ? 0 : max, width) };
}

function float(value: number, width: 4 | 8): Uint8Array {
  const bytes = new Uint8Array(width);
  const view = new DataView(bytes.buffer);
  if (width === 4) view.setFloat32(0, value, true);
  else view.setFloat64(0, value, true);
  return bytes;
}
