import type { RowsMode } from '../contract.ts';
import type { KeyType, KeyValues } from './keys/key-values.ts';
import type { Column } from './parquet/schema.ts';
import type { Footer } from './parquet/footer.ts';

/** What tells a file from a changed one without reading it. */
export interface Fingerprint {
  size: number;
  mtimeNs: string;
  ino: string;
  dev: string;
}

/** One input file with its decoded footer. */
export interface Checkpoint {
  /** Position among the pair's checkpoints, in the order of the files' names. */
  index: number;
  name: string;
  path: string;
  fingerprint: Fingerprint;
  footer: Footer;
  /** The columns of the key, in its order. */
  keys: Column[];
  /** All columns but those of the key, in the order of the file. */
  columns: Column[];
}

/** The rows of each row group: files that are stitched have the same. */
export const layoutOf = ({ footer }: Checkpoint): string => footer.rowGroups.map(({ rows }) => rows).join(',');

/** The ordered key values of the output, and how its rows are cut into row groups. */
export interface Spine {
  keys: KeyValues;
  rowGroupRows: number[];
  /**
   * The checkpoint whose key chunks and schema element the output takes over: its keys and layout are the spine's.
   * Null where no checkpoint has exactly these rows: the key column is written anew then.
   */
  source: number | null;
  /** In which the columns of the key compare; those of a key that is written anew. */
  types: KeyType[];
}

export interface MergePlan {
  /** Hash of the checkpoints' names and fingerprints and of the options: the same inputs give the same id and bytes. */
  id: string;
  /** The columns of the key, in its order. */
  keyNames: string[];
  rows: RowsMode;
  checkpoints: Checkpoint[];
  spine: Spine;
  /** Per checkpoint: its key columns equal the spine, value for value, with the same row groups. */
  aligned: boolean[];
  /** Per checkpoint: its key column equals the spine, value for value, whatever its row groups. */
  sameKeys: boolean[];
}
