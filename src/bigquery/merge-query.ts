/** The query of one partition: every row of the spine, and beside it what each checkpoint has under its key. */
import type { StagedCheckpoint, StagedKey, Staging } from '../merge/staging.ts';
import { MIB, MIN_BILLED_BYTES } from './limits.ts';
import type { PartitionSlice } from './partitions.ts';
import { leavesTables } from './leaves-tables.ts';
import { checkpointTable, spineTable, type CloudRequest } from './staging-tables.ts';
import { stagingType } from './types.ts';

/**
 * Its result has the position, where tables are left the key, then the columns of the slices as c0, c1, ...; tables are named without their dataset,
 * which is the query's default, so that the text stays within what the planner of partitions counts with.
 */
export function mergeQuery(request: CloudRequest, staging: Staging, slices: PartitionSlice[]): string {
  let column = 0;
  const columns = slices.flatMap(({ first, count }, table) =>
    Array.from({ length: count }, (_, i) => `, t${table}.c${first + i} AS c${column++}`),
  );
  const joins = slices.map(({ file }, table) => {
    const checkpoint = staging.checkpoints[file]!;
    return `\nLEFT JOIN ${checkpointTable(request, checkpoint).name} t${table} ON ${keyOf(`t${table}`, checkpoint.key)} = s.key`;
  });
  const key = leavesTables(request.config) ? ', s.key' : '';
  return `SELECT s.position${key}${columns.join('')}\nFROM ${spineTable(request, staging).name} s${joins.join('')}`;
}

/** The checkpoint's key in the spine's unit; one that does not fit there is no key of the spine. */
function keyOf(table: string, { unsigned32, factor }: StagedKey): string {
  const own = unsigned32 ? `(${table}.key & 4294967295)` : `${table}.key`;
  return factor === '1' ? own : `SAFE_MULTIPLY(${own}, ${factor})`;
}

/**
 * The most bytes that the query can be billed for: by the sizes of its columns where those are fixed, else by what its dry
 * run says; each table counts at least 10 MiB, in whole MiB.
 */
export function mostBilledBytes(staging: Staging, slices: PartitionSlice[], dryRunBytes: number): number {
  const { spine, rows, checkpoints } = staging;
  const tables = [
    rows * (8 + (spine.keyType === 'int64' ? 8 : 2 + spine.keyBytes)),
    ...slices.map((slice) => sliceBytes(checkpoints[slice.file]!, slice)),
  ];
  const bySizes = tables.reduce((sum, bytes) => sum + Math.max(MIN_BILLED_BYTES, wholeMib(bytes)), 0);
  const byDryRun = wholeMib(dryRunBytes) + tables.length * MIN_BILLED_BYTES;
  const isFixed =
    spine.keyType === 'int64' &&
    slices.every(({ file, first, count }) =>
      checkpoints[file]!.columns.slice(first, first + count).every(({ type }) => type !== 'byteArray'),
    );
  const isKnown = isFixed && dryRunBytes <= tables.reduce((sum, bytes) => sum + bytes, 0);
  return isKnown ? Math.min(bySizes, byDryRun) : byDryRun;
}

function sliceBytes({ rows, key, columns }: StagedCheckpoint, { first, count }: PartitionSlice): number {
  const values = columns
    .slice(first, first + count)
    .reduce((sum, { type, payloadBytes }) => sum + bytesOf(type) + payloadBytes, 0);
  return rows * (bytesOf(key.type) + values);
}

const bytesOf = (type: string): number => stagingType(type)?.bytes ?? 0;
const wholeMib = (bytes: number): number => Math.ceil(bytes / MIB) * MIB;

/** Two partitions with half the columns each; null where there is one only. */
export function halves(slices: PartitionSlice[]): [PartitionSlice[], PartitionSlice[]] | null {
  const columns = slices.reduce((sum, { count }) => sum + count, 0);
  if (columns < 2) return null;
  let left = Math.ceil(columns / 2);
  const low: PartitionSlice[] = [];
  const high: PartitionSlice[] = [];
  for (const { file, first, count } of slices) {
    const here = Math.min(left, count);
    if (here > 0) low.push({ file, first, count: here });
    if (here < count) high.push({ file, first: first + here, count: count - here });
    left -= here;
  }
  return [low, high];
}
