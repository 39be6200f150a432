/** Judges a merge of which one checkpoint was broken: against DuckDB's own reading and join, and by bytes where it reads nothing. */
import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { RowsMode } from '../../../src/contract.ts';
import { sqlName, sqlText } from '../../../src/merge/sql.ts';
import { MergeFailure } from '../../../src/merge/errors.ts';
import { readFooter, type Chunk } from '../../../src/merge/parquet/footer.ts';
import { withoutStatistics } from '../../support/mutate-parquet.ts';

const FILES = ['a.parquet', 'm.parquet', 'z.parquet'];
/** Bytes are kept as they are, whether or not they are a text. */
const MEANING = /Invalid string encoding|Invalid JSON/;
const FAILURES: ReadonlySet<string> = new Set(['CheckpointInvalid']);

/** `refused`: a typed failure. `right`: DuckDB's join of the same files. `as it came`: DuckDB cannot read the file, whose bytes were taken over. */
export type Verdict = { verdict: 'refused' | 'right' | 'as it came' | 'defect'; why: string };
const defect = (why: string): Verdict => ({ verdict: 'defect', why });

export async function judgeFailure(error: unknown, out: string): Promise<Verdict> {
  if (!(error instanceof MergeFailure))
    return defect(`an untyped error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  const { type, message } = error.facts;
  if (!FAILURES.has(type)) return defect(`a failure of type ${type}: ${message}`);
  if (!message.includes('m.parquet')) return defect(`the file is not named: ${message}`);
  if (message.includes('\n')) return defect(`more than one line: ${message}`);
  const left = (await readdir(out)).filter((name) => !name.startsWith('.'));
  return left.length > 0 ? defect(`published all the same: ${left.join(', ')}`) : { verdict: 'refused', why: message };
}

/** `output` is the published merge of the files in `dir`. */
export async function judgeOutput(
  sql: DuckDBConnection,
  { dir, output, rows, verify }: { dir: string; output: string; rows: RowsMode; verify: 'bytes' | 'full' },
): Promise<Verdict> {
  const rowsOf = async (query: string): Promise<Record<string, unknown>[]> =>
    (await sql.runAndReadAll(query)).getRowObjects();
  const namesOf = async (path: string): Promise<string[]> =>
    (await rowsOf(`DESCRIBE SELECT * FROM ${read(path)}`)).map((row) => row.column_name as string);
  const whyNot = (query: string): Promise<string | null> =>
    sql.run(query).then(
      () => null,
      (error: unknown) => String(error).split('\n')[0]!,
    );
  const broken = join(dir, 'm.parquet');
  // DuckDB believes bounds: where they lie, it counts and joins wrongly, or refuses a column whose values are right.
  const readable = await bareCopy(broken, join(dir, 'bare'));
  const merged = await bareCopy(output, join(dir, 'bare output'));
  const sound = await compare(['a.parquet', 'z.parquet'], false);
  if (sound !== null) return defect(`columns of other files: ${sound}`);
  const unreadable = await whyNot(`SELECT hash(COLUMNS(*)) FROM ${read(readable)}`);
  if (unreadable === null) {
    const all = (await compare(FILES, true)) ?? (await whyNot(`SELECT hash(COLUMNS(*)) FROM ${read(output)}`));
    return all === null ? { verdict: 'right', why: '' } : defect(all);
  }
  const key = await whyNot(`SELECT hash(k) FROM ${read(readable)}`);
  if (key !== null) return defect(`its keys were read, which DuckDB cannot: ${key}`);
  const taken = await takenOver(broken, output);
  if (taken !== null) return defect(`${taken}, which DuckDB cannot read: ${unreadable}`);
  return verify === 'full' && !MEANING.test(unreadable)
    ? defect(`every value was compared, though DuckDB cannot read them: ${unreadable}`)
    : { verdict: 'as it came', why: unreadable };

  function pathOf(name: string): string {
    return name === 'm.parquet' ? readable : join(dir, name);
  }

  /** What is wrong with the columns of these files in the output, or null. */
  async function compare(files: string[], wholeRows: boolean): Promise<string | null> {
    try {
      const columns: string[] = [];
      for (const [i, name] of files.entries())
        for (const column of await namesOf(pathOf(name))) if (column !== 'k') columns.push(`f${i}.${sqlName(column)}`);
      const keys = wholeRows
        ? files.map((name) => `SELECT k FROM ${read(pathOf(name))}`).join(rows === 'union' ? ' UNION ' : ' INTERSECT ')
        : `SELECT k FROM ${read(merged)}${rows === 'union' ? files.map((name) => ` UNION SELECT k FROM ${read(pathOf(name))}`).join('') : ''}`;
      const joins = files.map((name, i) => `LEFT JOIN ${read(pathOf(name))} f${i} ON f${i}.k = s.k`).join(' ');
      const expected = `SELECT s.k, ${columns.join(', ')} FROM (${keys}) s ${joins}`;
      const written = `SELECT k, ${columns.map((column) => column.slice(column.indexOf('.') + 1)).join(', ')} FROM ${read(merged)}`;
      const [row] = await rowsOf(
        `SELECT (SELECT count(*) FROM (${expected} EXCEPT ALL ${written})) AS missing, (SELECT count(*) FROM (${written} EXCEPT ALL ${expected})) AS invented`,
      );
      const [missing, invented] = [Number(row!.missing), Number(row!.invented)];
      return missing + invented === 0 ? null : `${missing} rows are missing, ${invented} are invented`;
    } catch (error) {
      return `DuckDB cannot read the output: ${String(error).split('\n')[0]}`;
    }
  }
}

async function bareCopy(from: string, to: string): Promise<string> {
  await writeFile(to, withoutStatistics(await readFile(from)));
  return to;
}

const read = (path: string): string => `read_parquet(${sqlText(path)}, hive_partitioning = false)`;

/** Which column of the output has other bytes than in its source, or null. */
async function takenOver(source: string, output: string): Promise<string | null> {
  const [from, to] = [await readFooter(source, source), await readFooter(output, output)];
  for (const column of from.columns) {
    if (column.name === 'k') continue;
    const own = to.columns.find(({ name }) => name === column.name);
    if (own === undefined) return `column ${column.name} is missing`;
    for (const [group, { chunks }] of from.rowGroups.entries())
      for (let leaf = 0; leaf < column.leaves; leaf++) {
        const before = await bytesOf(source, chunks[column.firstLeaf + leaf]!);
        const after = await bytesOf(output, to.rowGroups[group]!.chunks[own.firstLeaf + leaf]!);
        if (!before.equals(after)) return `column ${column.name} was rewritten`;
      }
  }
  return null;
}

async function bytesOf(path: string, { start, length }: Chunk): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(length);
    await handle.read(bytes, 0, length, start);
    return bytes;
  } finally {
    await handle.close();
  }
}
