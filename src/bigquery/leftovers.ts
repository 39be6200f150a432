/**
 * Tables that lost runs have left in the staging dataset. Only what has both a name and columns as this project gives
 * them is one of its own: whatever else is in the dataset is not looked at twice, and never removed.
 */
import type { Table, TableMetadata } from '@google-cloud/bigquery';
import { openClient } from './client.ts';
import { listTables } from './list-tables.ts';
import { patiently, unlessMissing, type Patience } from './patiently.ts';
import { sideBySide } from './side-by-side.ts';
import { TABLE_NAME, tablePrefix } from './staging-tables.ts';

export interface StagingPlace {
  project: string;
  dataset: string;
  location: string;
}

export interface Leftover {
  table: string;
  holds: 'spine' | 'checkpoint' | 'merged';
  /** Logical bytes. */
  bytes: number;
  rows: number;
  /** Milliseconds since 1970. */
  createdMs: number;
  /** Null: never. */
  expiresMs: number | null;
}

const HOLDS = { spine: 'spine', s: 'checkpoint', m: 'merged' } as const;
const FIRST_COLUMN = { spine: 'position', checkpoint: 'key', merged: 'position' };
const REQUESTS_AT_A_TIME = 8;

/** Oldest first; null where there is no such dataset. Throws BigQueryError. */
export async function listLeftovers(
  place: StagingPlace,
  patience: Patience = {},
): Promise<{ leftovers: Leftover[]; others: number } | null> {
  const dataset = openClient(place).dataset(place.dataset, { location: place.location });
  const tables = await listTables(dataset, patience);
  if (tables === null) return null;
  const named = tables.filter(({ id }) => TABLE_NAME.test(id ?? ''));
  const found = await sideBySide(named, REQUESTS_AT_A_TIME, (table) => look(table, patience));
  const leftovers = found.filter((leftover) => leftover !== null);
  return {
    leftovers: leftovers.toSorted((a, b) => a.createdMs - b.createdMs || (a.table < b.table ? -1 : 1)),
    others: tables.length - leftovers.length,
  };
}

/** Those that are still there and still what they were; resolves to how many have gone. Throws BigQueryError. */
export async function removeLeftovers(
  place: StagingPlace,
  leftovers: Leftover[],
  patience: Patience = {},
): Promise<number> {
  const dataset = openClient(place).dataset(place.dataset, { location: place.location });
  const removed = await sideBySide(leftovers, REQUESTS_AT_A_TIME, async (leftover) => {
    const table = dataset.table(leftover.table);
    const now = await look(table, patience);
    // Made anew meanwhile: somebody works with it.
    if (now === null || now.createdMs !== leftover.createdMs) return false;
    await patiently(`remove table ${leftover.table}`, patience, () => table.delete({ ignoreNotFound: true }));
    return true;
  });
  return removed.filter(Boolean).length;
}

/** A table's pair, by its name (or by that of the table that an object is for): what the names of all tables of the pair begin with, in runs of this name. */
export const isOfPair = ({ table }: { table: string }, run: string, pair: string): boolean =>
  table.startsWith(tablePrefix({ run: `${run}@`, pair }));

/** Null where it is gone, or is none of ours. */
async function look(table: Table, patience: Patience): Promise<Leftover | null> {
  const name = table.id!;
  const found = await unlessMissing(`look at table ${name}`, patience, () => table.getMetadata());
  if (found === null) return null;
  const metadata = found[0] as TableMetadata & { type?: string; schema?: { fields?: { name?: string }[] } };
  const holds = HOLDS[TABLE_NAME.exec(name)![1] as keyof typeof HOLDS];
  if ((metadata.type ?? 'TABLE') !== 'TABLE' || !isOurShape(holds, metadata.schema?.fields ?? [])) return null;
  return {
    table: name,
    holds,
    bytes: Number(metadata.numBytes ?? 0),
    rows: Number(metadata.numRows ?? 0),
    createdMs: Number(metadata.creationTime ?? 0),
    expiresMs: metadata.expirationTime === undefined ? null : Number(metadata.expirationTime),
  };
}

/** Columns are called by their place, whatever the checkpoints' are called. */
function isOurShape(holds: Leftover['holds'], fields: { name?: string }[]): boolean {
  const [first, ...others] = fields.map(({ name }) => name);
  if (first !== FIRST_COLUMN[holds]) return false;
  if (holds === 'spine') return others.length === 1 && others[0] === 'key';
  // A merged table has the key where tables are left.
  if (holds === 'merged' && others[0] === 'key') others.shift();
  return others.every((name, index) => name === `c${index}`);
}
