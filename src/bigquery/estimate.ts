/**
 * What a pair costs on BigQuery, term by term, from its shape and the prices: on-demand pricing, without free tiers, nulls
 * counted as values. So the bill may be lower, and is higher only where the union of the keys has more rows than the
 * longest checkpoint, or text was stored once for many rows.
 */
import { formatCount } from '../config/units.ts';
import type { BigqueryConfig } from '../payloads.ts';
import { GIB, MIB, MIN_BILLED_BYTES, TIB } from './limits.ts';
import { limitsOf, planPartitions, type Partition } from './partitions.ts';
import type { PairShape, StagedFile } from './shape.ts';

export const COST_TERMS = ['values', 'keys', 'spine', 'minimum', 'storageRead', 'storage', 'egress', 'loads'] as const;
export type CostTerm = (typeof COST_TERMS)[number];

export interface CostLine {
  term: CostTerm;
  /** What is counted, in words. */
  what: string;
  bytes: number;
  dollars: number;
}

export interface PartitionEstimate {
  /** Without the position. */
  columns: number;
  /** The checkpoints in it, and the spine. */
  tables: number;
  /** That its query will be billed for, bytes. */
  billedBytes: number;
}

/** What is counted; of several pairs the sum. */
interface Counts {
  columns: number;
  partitions: number;
  tables: number;
  smallTables: number;
  bytes: Record<CostTerm, number>;
  /** Of the merged tables, where they stay. */
  keptBytes: number;
}

export interface CostSum {
  lines: CostLine[];
  dollars: number;
  /** What the tables that stay cost from then on; null where none do. */
  kept: { bytes: number; dollarsAMonth: number } | null;
}

export interface CostEstimate extends CostSum {
  partitions: PartitionEstimate[];
  /** The values of all columns but the keys, in BigQuery's types, bytes. */
  logicalBytes: number;
  counts: Counts;
}

const POSITION_BYTES = 8;
/** A fetch reads so much at a time, and the position with each. */
const FETCH_SLICE_BYTES = 256 * MIB;
const HOURS_A_MONTH = 730;

export function estimateCost(pair: PairShape, config: BigqueryConfig): CostEstimate {
  const partitions = planPartitions(
    pair.files.map(({ columnBytes }) => columnBytes),
    limitsOf(config),
  );
  const scans = partitions.map((partition) => scanOf(partition, pair));
  const total = (pick: (scan: Scan) => number): number => sum(scans.map(pick));
  const [values, keys, spine] = [total((scan) => scan.values), total((scan) => scan.keys), total((scan) => scan.spine)];
  const loads = sum(pair.files.map(fileBytes)) + pair.rows * (POSITION_BYTES + spineKeyBytes(pair));
  const results = partitions.map((partition) => resultBytes(partition, pair));
  // Tables that stay instead of the file are not read back.
  const read = config.output === 'tables' ? 0 : sum(results.map((result) => result.values + result.positions));
  const kept = sum(results.map((result) => result.values)) + partitions.length * pair.rows * POSITION_BYTES;
  const counts: Counts = {
    columns: sum(partitions.map(({ columns }) => columns)),
    partitions: partitions.length,
    tables: total((scan) => scan.tables),
    smallTables: total((scan) => scan.small),
    bytes: {
      ...{ values, keys, spine, minimum: total(billedBytes) - values - keys - spine },
      ...{ storageRead: read, storage: loads + kept, egress: read, loads },
    },
    // As much as is merged, and its key.
    keptBytes: kept + partitions.length * pair.rows * spineKeyBytes(pair),
  };
  const lines = linesOf(counts, config);
  return {
    partitions: scans.map((scan, i) => ({
      columns: partitions[i]!.columns,
      tables: scan.tables,
      billedBytes: billedBytes(scan),
    })),
    logicalBytes: values,
    counts,
    lines,
    dollars: dollarsOf(lines),
    kept: keptOf(counts, config),
  };
}

function keptOf({ keptBytes }: Counts, { output, prices }: BigqueryConfig): CostSum['kept'] {
  if (output !== 'tables' && output !== 'both') return null;
  return { bytes: Math.round(keptBytes), dollarsAMonth: (keptBytes / GIB) * prices.storagePerGiBMonth };
}

/** Of several pairs together. */
export function sumCosts(estimates: CostEstimate[], config: BigqueryConfig): CostSum {
  const add = (pick: (counts: Counts) => number): number => sum(estimates.map(({ counts }) => pick(counts)));
  const bytes = Object.fromEntries(COST_TERMS.map((term) => [term, add((counts) => counts.bytes[term])]));
  const counts: Counts = {
    columns: add((one) => one.columns),
    partitions: add((one) => one.partitions),
    tables: add((one) => one.tables),
    smallTables: add((one) => one.smallTables),
    bytes: bytes as Counts['bytes'],
    keptBytes: add((one) => one.keptBytes),
  };
  const lines = linesOf(counts, config);
  return { lines, dollars: dollarsOf(lines), kept: keptOf(counts, config) };
}

function linesOf({ columns, partitions, tables, smallTables, bytes }: Counts, config: BigqueryConfig): CostLine[] {
  const { prices, location, workerLocation } = config;
  const hours = config.stagingExpiresMs / 3_600_000;
  const away = workerLocation?.toLowerCase() !== location.toLowerCase();
  const scanned = prices.queryPerTiB / TIB;
  const keys = tables - partitions;
  const terms: Record<CostTerm, [what: string, dollarsPerByte: number]> = {
    values: [`scan of ${formatCount(columns)} columns, each once, at $${prices.queryPerTiB} per TiB`, scanned],
    keys: [`scan of ${formatCount(keys)} keys to join by, one for each checkpoint in a partition`, scanned],
    spine: [`scan of the rows' keys and positions, once for each of ${formatCount(partitions)} partitions`, scanned],
    minimum: [
      `${formatCount(smallTables)} of ${formatCount(tables)} tables are below the 10 MB billed at least`,
      scanned,
    ],
    storageRead: [
      `Storage Read of the merged columns, at $${prices.storageReadPerTiB} per TiB`,
      prices.storageReadPerTiB / TIB,
    ],
    storage: [
      `staged and merged tables, for ${hours} h at most, at $${prices.storagePerGiBMonth} per GiB and month`,
      ((prices.storagePerGiBMonth / GIB) * hours) / HOURS_A_MONTH,
    ],
    egress:
      config.output === 'tables'
        ? ['no egress: the tables stay where they are', 0]
        : away
          ? [
              `egress to ${workerLocation ?? 'a worker elsewhere'}, at $${prices.egressPerGiB} per GiB (none to a worker in ${location})`,
              prices.egressPerGiB / GIB,
            ]
          : [`no egress: the worker is where the dataset is (${location})`, 0],
    loads: ['load jobs are free', 0],
  };
  return COST_TERMS.map((term) => {
    const [what, dollarsPerByte] = terms[term];
    return { term, what, bytes: Math.round(bytes[term]), dollars: bytes[term] * dollarsPerByte };
  });
}

const dollarsOf = (lines: CostLine[]): number => sum(lines.map(({ dollars }) => dollars));

interface Scan {
  values: number;
  keys: number;
  spine: number;
  tables: number;
  /** Tables below the smallest bill, and what is added to them. */
  small: number;
  padding: number;
}

function scanOf({ slices }: Partition, pair: PairShape): Scan {
  const spine = pair.rows * (POSITION_BYTES + spineKeyBytes(pair));
  const scan = { values: 0, keys: 0, spine, tables: 1, small: 0, padding: 0 };
  const pad = (bytes: number): void => {
    if (bytes >= MIN_BILLED_BYTES) return;
    scan.small++;
    scan.padding += MIN_BILLED_BYTES - bytes;
  };
  pad(spine);
  for (const { file, first, count } of slices) {
    const { rows, keyBytes, columnBytes } = pair.files[file]!;
    const values = rows * sum(columnBytes.slice(first, first + count));
    scan.values += values;
    scan.keys += rows * keyBytes;
    scan.tables++;
    pad(values + rows * keyBytes);
  }
  return scan;
}

/** Rounded up to whole MiB, as a query's bill is. */
const billedBytes = ({ values, keys, spine, padding }: Scan): number =>
  Math.ceil((values + keys + spine + padding) / MIB) * MIB;

/** What is read back of a partition: rows that a checkpoint lacks are null, and free. */
function resultBytes({ slices }: Partition, pair: PairShape): { values: number; positions: number } {
  const values = sum(
    slices.map(({ file, first, count }) => {
      const { rows, columnBytes } = pair.files[file]!;
      return rows * sum(columnBytes.slice(first, first + count));
    }),
  );
  return { values, positions: Math.ceil(values / FETCH_SLICE_BYTES) * pair.rows * POSITION_BYTES };
}

const fileBytes = ({ rows, keyBytes, columnBytes }: StagedFile): number => rows * (keyBytes + sum(columnBytes));

const spineKeyBytes = ({ files }: PairShape): number =>
  files.reduce((most, { keyBytes }) => Math.max(most, keyBytes), 0);

const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
