/** What is merged, small enough to be shrunk: seeds and sizes, from which files and keys follow (write-files.ts). */
import fc from 'fast-check';
import type { RowsMode } from '../../../src/contract.ts';
import { KEY_KINDS, NOT_REWRITTEN, VALUE_KINDS, type KeyKind, type ValueKind } from './kinds.ts';

export interface Scenario {
  keys: KeyKind[];
  rows: RowsMode;
  /** Of the files; taken modulo their number. */
  reference: number;
  engine: 'stitch' | 'duckdb';
  verify: 'bytes' | 'full';
  /** So many tuples are drawn, by this seed; what is drawn twice is one. */
  tuples: number;
  seed: number;
  files: FileSpec[];
  /** One row of a file, by its number modulo the file's rows, has a key that stands before or is null. */
  fault: { file: number; row: number; kind: 'duplicate' | 'null' } | null;
}

export interface FileSpec {
  /** Of the tuples; those that it has follow from its own seed. */
  share: number;
  seed: number;
  order: 'as chosen' | 'ascending' | 'shuffled';
  /** Which of a kind's types its key columns have, each modulo their number. */
  types: number[];
  writer: 'duckdb' | 'pyarrow' | 'polars';
  /** Codec, encodings, page version. */
  variant: number;
  rowGroupRows: number;
  columns: ValueKind[];
  /** How many columns stand before the key's. */
  before: number;
}

const seed = fc.nat(2 ** 31 - 1);
const often = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 3 }, ...others.map((value) => fc.constant(value)));

const kinds = Object.keys(VALUE_KINDS) as ValueKind[];
const column = fc.oneof(
  { arbitrary: fc.constantFrom(...kinds.filter((kind) => !NOT_REWRITTEN.has(kind))), weight: 30 },
  fc.constantFrom(...NOT_REWRITTEN),
);

const file: fc.Arbitrary<FileSpec> = fc.record({
  share: fc.constantFrom(1, 0.9, 0.4),
  seed,
  order: often<FileSpec['order']>('as chosen', 'ascending', 'shuffled'),
  types: fc.array(fc.nat(7), { minLength: 3, maxLength: 3 }),
  writer: fc.constantFrom('duckdb', 'pyarrow', 'polars'),
  variant: fc.nat(59),
  rowGroupRows: often(10_000, 2_048, 17, 5),
  columns: fc.array(column, { maxLength: 4 }),
  before: fc.nat(4),
});

export interface Sizes {
  /** Tuples that there are at most, of all files together; from a thousand on, one key column has many values. */
  mostTuples: number;
  mostFiles: number;
}

export const scenarios = ({ mostTuples, mostFiles }: Sizes): fc.Arbitrary<Scenario> =>
  fc
    .record<Scenario>({
      keys: fc
        .array(fc.constantFrom(...(Object.keys(KEY_KINDS) as KeyKind[])), { minLength: 1, maxLength: 3 })
        .map((keys) => (mostTuples >= 1_000 ? [...keys.slice(1), 'serial'] : keys)),
      rows: fc.constantFrom('union', 'reference', 'intersection'),
      reference: fc.nat(mostFiles - 1),
      engine: often<Scenario['engine']>('stitch', 'stitch', 'duckdb'),
      verify: fc.constantFrom('bytes', 'full'),
      tuples: fc.noBias(fc.integer({ min: 1, max: mostTuples })),
      seed,
      files: fc.array(file, { minLength: 1, maxLength: mostFiles, size: 'max' }),
      fault: fc.oneof(
        { arbitrary: fc.constant(null), weight: 9 },
        fc.record({
          file: fc.nat(mostFiles - 1),
          row: fc.nat(mostTuples),
          kind: fc.constantFrom<'duplicate' | 'null'>('duplicate', 'null'),
        }),
      ),
    })
    .map((scenario) => (scenario.engine === 'duckdb' ? fitForDuckdb(scenario) : scenario));

/** It takes keys of one type only, and what it has written itself. */
const fitForDuckdb = (scenario: Scenario): Scenario => ({
  ...scenario,
  files: scenario.files.map((own) => ({ ...own, writer: 'duckdb', types: [0, 0, 0] })),
});
