import { join } from 'node:path';
import { keySpec, VALUE_KINDS } from './kinds.ts';
import type { Rewriter } from './rewriter.ts';
import type { FileSpec, Scenario } from './scenario.ts';

/** Runs a statement, or answers a query with its rows. */
export type Ask = (sql: string) => Promise<unknown[][]>;

export const keyNames = ({ keys }: Scenario): string[] => keys.map((_, i) => ['k', 'Symbol, "a"', 'é'][i]!);
export const sqlName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export interface Written {
  path: string;
  name: string;
  spec: FileSpec;
  /** Its columns but the key, in order. */
  columns: string[];
}

/** Writes the files of a scenario into a folder: by DuckDB first, then again by the writer that they are of. */
export async function writeFiles(scenario: Scenario, dir: string, ask: Ask, rewriter: Rewriter): Promise<Written[]> {
  const universe = chooseTuples(scenario);
  const files: Written[] = [];
  for (const [index, spec] of scenario.files.entries()) {
    // The engine's order is that of the names.
    const name = `c${String(index).padStart(2, '0')}.parquet`;
    const path = join(dir, name);
    const types = scenario.keys.map((kind, i) => {
      const own = keySpec(kind).types;
      return own[spec.types[i]! % own.length]!;
    });
    const columns = spec.columns.map((kind, i) => `f${index}_${i} ${kind}`);
    await ask(
      `COPY (${selectFile(scenario, spec, index, rowsOf(scenario, index, universe), types)}) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE ${Math.max(2048, spec.rowGroupRows)})`,
    );
    if (spec.writer !== 'duckdb' && !spec.columns.includes('uuid')) {
      const { writer, rowGroupRows, variant } = spec;
      await rewriter.rewrite({ path, writer, rowGroupRows, variant, casts: castsOf(scenario, spec) });
    }
    files.push({ path, name, spec, columns });
  }
  return files;
}

/** Places of a row's values in its kinds' lists; -1 is null. */
type Tuple = number[];

function chooseTuples({ keys, tuples, seed }: Scenario): Tuple[] {
  const random = randomOf(seed);
  const chosen = new Map<string, Tuple>();
  for (let i = 0; i < tuples; i++) {
    const tuple = keys.map((kind) => Math.floor(random() * keySpec(kind).values.length));
    chosen.set(tuple.join(), tuple);
  }
  return [...chosen.values()];
}

function rowsOf({ fault, files }: Scenario, index: number, universe: Tuple[]): Tuple[] {
  const { share, seed, order } = files[index]!;
  const random = randomOf(seed);
  const rows = universe.filter(() => random() < share);
  if (rows.length === 0) rows.push(universe[0]!);
  if (order === 'shuffled') {
    const keyed = rows.map((row) => ({ row, at: random() })).sort((a, b) => a.at - b.at);
    rows.splice(0, rows.length, ...keyed.map(({ row }) => row));
  }
  if (fault !== null && fault.file % files.length === index) {
    const at = fault.row % rows.length;
    rows.splice(at, 0, fault.kind === 'duplicate' ? rows[at]! : rows[at]!.map((place, i) => (i === 0 ? -1 : place)));
  }
  return rows;
}

function selectFile(scenario: Scenario, spec: FileSpec, index: number, rows: Tuple[], types: string[]): string {
  const places = scenario.keys.map((_, i) => `p${i}`);
  const keys = scenario.keys.map((kind, i) => {
    const { values } = keySpec(kind);
    // Only those that occur: a list of thousands is slow to parse.
    const used = [...new Set(rows.map((row) => row[i]!))].filter((place) => place >= 0);
    const cases = used.map((place) => `WHEN ${place} THEN (${values[place]!})::${types[i]!}`);
    const value =
      values.length > 1_000 ? `(((p${i} * 7919) % 10007) - 5000)::${types[i]!}` : `CASE p${i} ${cases.join(' ')} END`;
    return `CASE WHEN p${i} >= 0 THEN ${value} END AS ${sqlName(keyNames(scenario)[i]!)}`;
  });
  const columns = spec.columns.map((kind, i) => {
    const name = `f${index}_${i} ${kind}`;
    return `${VALUE_KINDS[kind].replaceAll(/\bh\b/g, `hash(${places.join(', ')}, '${name}')`)} AS ${sqlName(name)}`;
  });
  const before = columns.splice(0, spec.before);
  const list = rows.map((row, position) => `(${[position, ...row].join(', ')})`);
  const order = spec.order === 'ascending' ? keyNames(scenario).map((name) => `${sqlName(name)} NULLS LAST`) : [];
  return `SELECT ${[...before, ...keys, ...columns].join(', ')} FROM (VALUES ${list.join(', ')}) v(position, ${places.join(', ')}) ORDER BY ${[...order, 'position'].join(', ')}`;
}

function castsOf(scenario: Scenario, spec: FileSpec): Record<string, [string, string | null]> {
  const casts: Record<string, [string, string | null]> = {};
  for (const [i, kind] of scenario.keys.entries()) {
    const { units, zone } = keySpec(kind);
    if (units !== undefined)
      casts[keyNames(scenario)[i]!] = [units[(spec.types[i]! + 1) % units.length]!, zone ?? null];
  }
  return casts;
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
