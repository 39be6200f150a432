import type { Footer, Chunk } from './parquet/footer.ts';
import type { Column } from './parquet/schema.ts';
import { boundsSurvive } from './parquet/bounds.ts';
import { TYPE_DEFINED_ORDER } from './parquet/rewrite.ts';

/** Columns of one row group that come from one file: an aligned checkpoint, or a part written for one that is not. */
export interface Portion {
  path: string;
  columns: PortionColumn[];
}

export interface PortionColumn {
  /** Column of the output; its schema element comes from its checkpoint, also where a part holds the values. */
  column: Column;
  /** One per leaf. */
  chunks: Chunk[];
  orders: Uint8Array[];
  keepBounds: boolean;
}

/**
 * The columns `wanted` of row group `group` of a file. `inFile` names the same columns as they stand in that file, in
 * the same order (in a part they have other schema elements than in the output).
 */
export function portionOf(
  path: string,
  footer: Footer,
  group: number,
  wanted: Column[],
  inFile: Column[],
  rewritten: boolean,
): Portion {
  const { chunks } = footer.rowGroups[group]!;
  return {
    path,
    columns: wanted.map((column, i) => {
      const { firstLeaf, leaves } = inFile[i]!;
      return {
        column,
        chunks: chunks.slice(firstLeaf, firstLeaf + leaves),
        orders:
          footer.columnOrders?.slice(firstLeaf, firstLeaf + leaves) ??
          Array.from({ length: leaves }, () => TYPE_DEFINED_ORDER),
        keepBounds: footer.columnOrders !== null && (!rewritten || boundsSurvive(column)),
      };
    }),
  };
}
