/** Small valid checkpoints, each with two that it is merged with: what is broken on purpose. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RowsMode } from '../../../src/contract.ts';
import { writeParquet } from '../../support/parquet-by-sql.ts';

export interface Base {
  name: string;
  /** Holds a.parquet and z.parquet, and the one that is broken as m.parquet. */
  dir: string;
  bytes: Buffer;
  rows: RowsMode;
}

const NUMBERS = `(range * 1.5)::DOUBLE AS x, (range % 7)::INTEGER AS i, (range % 5 = 0)::BOOLEAN AS b, (range / 3)::FLOAT AS f`;
const TEXTS = `'text ' || range AS t, 'word ' || range % 4 AS w, if(range % 3 = 0, NULL, 'some') AS n, ('x' || range)::BLOB AS o`;
const TIMES = `'2024-01-01'::TIMESTAMP + INTERVAL (range) MINUTE AS at, '2024-01-01'::DATE + (range % 400)::INTEGER AS d, (range * 0.01)::DECIMAL(9, 2) AS c, (range * 0.01)::DECIMAL(30, 4) AS l, if(range % 2 = 0, NULL, range) AS h`;
const NESTED = `[range, range + 1] AS li, {p: range, q: 'q' || range} AS st, (range * 2)::BIGINT AS s`;

const WAYS: {
  name: string;
  key: string;
  columns: string;
  rows: number;
  options: string;
  others?: string;
  mode?: RowsMode;
}[] = [
  { name: 'zstd', key: 'range', columns: `${NUMBERS}, ${TEXTS}`, rows: 60, options: ', COMPRESSION zstd' },
  { name: 'snappy', key: 'range', columns: `${TIMES}, ${TEXTS}`, rows: 300, options: ', COMPRESSION snappy' },
  { name: 'plain', key: 'range', columns: `${NUMBERS}, ${TIMES}`, rows: 40, options: ', COMPRESSION uncompressed' },
  {
    name: 'groups',
    key: 'range',
    columns: `${NUMBERS}, ${TEXTS}`,
    rows: 2600,
    options: ', COMPRESSION snappy, ROW_GROUP_SIZE 2048',
  },
  {
    name: 'delta',
    key: 'range',
    columns: `${NUMBERS}, ${TEXTS}, ${TIMES}`,
    rows: 80,
    options: ', COMPRESSION uncompressed, PARQUET_VERSION v2',
  },
  { name: 'nested', key: 'range', columns: NESTED, rows: 50, options: ', COMPRESSION zstd' },
  {
    name: 'texts as keys',
    key: `'key ' || range`,
    columns: `${NUMBERS}, ${TEXTS}`,
    rows: 100,
    options: ', COMPRESSION uncompressed',
  },
  {
    name: 'times as keys',
    key: `'2024-01-01'::TIMESTAMPTZ + INTERVAL (range) MINUTE`,
    columns: TIMES,
    rows: 100,
    options: ', COMPRESSION lz4_raw',
  },
  {
    name: 'misaligned',
    key: 'range',
    columns: `${NUMBERS}, ${TEXTS}`,
    rows: 60,
    others: 'range(20, 90)',
    options: ', COMPRESSION gzip',
  },
  {
    name: 'misaligned, delta',
    key: 'range',
    columns: `${TIMES}, ${TEXTS}`,
    rows: 60,
    others: 'range(20, 90)',
    options: ', COMPRESSION uncompressed, PARQUET_VERSION v2',
  },
  {
    name: 'in common',
    key: 'range',
    columns: `${NUMBERS}, ${TEXTS}`,
    rows: 60,
    others: 'range(20, 90)',
    mode: 'intersection',
    options: ', COMPRESSION brotli',
  },
];

export async function writeBases(folder: string): Promise<Base[]> {
  return Promise.all(
    WAYS.map(async ({ name, key, columns, rows, options, others, mode }) => {
      const dir = join(folder, name);
      await mkdir(dir, { recursive: true });
      const broken = join(dir, 'm.parquet');
      await writeParquet(
        {
          [join(dir, 'a.parquet')]: `SELECT ${key} AS k, (range * 3)::DOUBLE AS a1 FROM ${others ?? `range(${rows})`}`,
          [broken]: `SELECT ${key} AS k, ${columns} FROM range(${rows})`,
          [join(dir, 'z.parquet')]: `SELECT ${key} AS k, 'z' || range AS z1 FROM ${others ?? `range(${rows})`}`,
        },
        options,
      );
      return { name, dir, bytes: await readFile(broken), rows: mode ?? 'union' };
    }),
  );
}
