import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { estimateCost, sumCosts, type CostEstimate, type CostTerm } from '../../src/bigquery/estimate.ts';
import { MIB, TIB } from '../../src/bigquery/limits.ts';
import { pairShape, type PairShape } from '../../src/bigquery/shape.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import type { BigqueryConfig } from '../../src/payloads.ts';

const ROWS = 177_748;
const inUs: BigqueryConfig = { ...defaultBigquery(), workerLocation: 'us' };

/** Checkpoints of doubles with a timestamp as their key. */
function doubles(rows: number, columns: number[]): PairShape {
  const files = columns.map((count) => ({ rows, keyBytes: 8, columnBytes: Array.from({ length: count }, () => 8) }));
  return { rows, files };
}

const incident = (rows: number): PairShape =>
  doubles(rows, [...Array.from({ length: 337 }, () => 26), ...Array.from({ length: 331 }, () => 25)]);

const dollarsOf = ({ lines }: CostEstimate, ...terms: CostTerm[]): number =>
  lines.filter(({ term }) => terms.includes(term)).reduce((sum, { dollars }) => sum + dollars, 0);

const near = (value: number, expected: number): void =>
  assert.ok(Math.abs(value - expected) <= expected * 0.005, `${value} is not about ${expected}`);

test("the incident's pair: one scan of it is $0.143, 27 of them $3.86", () => {
  const estimate = estimateCost(incident(ROWS), inUs);
  near(estimate.logicalBytes, 24.23e9);
  near(dollarsOf(estimate, 'values', 'keys'), 0.143);
  near(dollarsOf(estimate, 'values', 'keys') * 27, 3.864);
  near(dollarsOf(estimate, 'storageRead'), (1.1 * 24.36e9) / TIB);
  assert.equal(dollarsOf(estimate, 'egress'), 0);
  assert.equal(dollarsOf(estimate, 'loads'), 0);
  // The whole run, below what the incident estimated ($18.48).
  const all = sumCosts(
    Array.from({ length: 27 }, () => estimate),
    inUs,
  );
  near(all.dollars, 5.34);
  assert.match(all.lines[0]!.what, /^scan of 459,999 columns, each once, at \$6\.25 per TiB$/);
});

test('partitions as narrow as they are configured are as many, and dearer', () => {
  const pair = incident(ROWS);
  const wide = estimateCost(pair, inUs);
  const narrow = estimateCost(pair, { ...inUs, partitionColumns: 2_000 });
  assert.deepEqual([wide.partitions.length, narrow.partitions.length], [2, 9]);
  assert.ok(narrow.partitions.every(({ columns }) => columns < 2_000));
  assert.ok(dollarsOf(narrow, 'keys', 'spine') > dollarsOf(wide, 'keys', 'spine'));
});

test('to a worker elsewhere the values leave the location, which is dearer than all the rest', () => {
  const estimate = estimateCost(incident(ROWS), defaultBigquery());
  near(dollarsOf(estimate, 'egress'), (0.12 * 24.36e9) / 2 ** 30);
  assert.ok(dollarsOf(estimate, 'egress') > estimate.dollars / 2);
  assert.equal(dollarsOf(estimateCost(incident(ROWS), { ...inUs, location: 'US' }), 'egress'), 0);
});

test('small checkpoints are billed for 10 MB each', () => {
  const estimate = estimateCost(incident(100), inUs);
  const billed = estimate.partitions.reduce((sum, { billedBytes }) => sum + billedBytes, 0);
  assert.equal(billed, (668 + 2) * 10 * MIB);
});

test('partitions are billed for what the terms of the scan add up to', () => {
  const files = fc.array(
    fc.record({
      rows: fc.integer({ min: 1, max: 400_000 }),
      keyBytes: fc.integer({ min: 8, max: 40 }),
      columnBytes: fc.array(fc.double({ min: 1, max: 500, noNaN: true }), { minLength: 1, maxLength: 40 }),
    }),
    { minLength: 1, maxLength: 30 },
  );
  fc.assert(
    fc.property(files, (own) => {
      const pair = { rows: Math.max(...own.map(({ rows }) => rows)), files: own };
      const estimate = estimateCost(pair, inUs);
      const billed = estimate.partitions.reduce((sum, { billedBytes }) => sum + billedBytes, 0);
      const scan = dollarsOf(estimate, 'values', 'keys', 'spine', 'minimum');
      assert.ok(Math.abs(scan - (billed * 6.25) / TIB) < 1e-9);
      assert.ok(
        estimate.partitions.every(
          ({ billedBytes, tables }) => billedBytes % MIB === 0 && billedBytes >= tables * 10 * MIB,
        ),
      );
      assert.ok(estimate.lines.every(({ dollars, bytes }) => dollars >= 0 && bytes >= 0));
      const sum = estimate.lines.reduce((total, { dollars }) => total + dollars, 0);
      assert.ok(Math.abs(sum - estimate.dollars) < 1e-9);
    }),
  );
});

test('text is billed by its length and two bytes, a float as a double, a boolean as a byte', () => {
  const types = ['int64 timestamp us utc', 'byteArray string', 'float', 'boolean'];
  const shape = pairShape({
    files: 3,
    columns: 10,
    bytesIn: 1,
    types: types.map((type) => ({ type, file: 'a.parquet', column: type })),
    codecs: [],
    shapes: [
      {
        file: 'a.parquet',
        files: 2,
        rows: 10,
        keys: [{ type: 0, columns: 1, payloadBytes: 0 }],
        columns: [
          { type: 1, columns: 1, payloadBytes: 100 },
          { type: 2, columns: 2, payloadBytes: 0 },
        ],
      },
      {
        file: 'c.parquet',
        files: 1,
        rows: 12,
        keys: [{ type: 1, columns: 1, payloadBytes: 36 }],
        columns: [{ type: 3, columns: 1, payloadBytes: 0 }],
      },
    ],
    sharing: null,
    alreadyMerged: null,
  });
  assert.equal(shape.rows, 12);
  assert.deepEqual(
    shape.files.map(({ columnBytes }) => columnBytes),
    [[7, 8, 8], [7, 8, 8], [1]],
  );
  assert.deepEqual(
    shape.files.map(({ keyBytes }) => keyBytes),
    [8, 8, 5],
  );
});
