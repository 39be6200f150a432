/**
 * The engine `bigquery`: reads the tables that the queries have made, slice by slice, puts their rows in place, and
 * writes them as aligned parts, which are stitched like those of any other merge. Parts that are whole on disk are not
 * read again: no session is made for a slice that has all of its own.
 */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BigQueryReadClient } from '@google-cloud/bigquery-storage';
import { openAlignDatabase, type AlignDatabase } from '../merge/align.ts';
import { duckdbFailure } from '../merge/duckdb.ts';
import type { Engine, EngineRequest, EngineResult } from '../merge/engine.ts';
import { MergeFailure } from '../merge/errors.ts';
import type { MergePlan } from '../merge/plan.ts';
import { inputBytes } from '../merge/plan-merge.ts';
import { readStaging, type Staging } from '../merge/staging.ts';
import { stitchParts, writeKeyParts } from '../merge/stitch-plan.ts';
import { VERSION } from '../merge/version.ts';
import { findPart, writePart, type AlignedPart } from '../merge/write-part.ts';
import { openReadClient } from './client.ts';
import { BigQueryError } from './error-reasons.ts';
import { planSlices, type FetchLimits, type FetchRange, type FetchSlice } from './fetch-plan.ts';
import { registerValues, type ValueSource } from './fetch-values.ts';
import { noteRead, readMergedParts, type MergedParts } from './merged-parts.ts';
import { SliceMemory } from './read-memory.ts';
import { readSlice } from './read-slice.ts';

const MIB = 1024 * 1024;
const MAX_SLICE_BYTES = 256 * MIB;
const MIN_SLICE_BYTES = 32 * MIB;
/** What the process takes beside its slice: the runtime, the client, DuckDB, and messages under way. */
const BESIDE_BYTES = 224 * MIB;
/** Of a session: its list of names and every message's schema stay small. */
const MAX_SLICE_COLUMNS = 1_000;
/**
 * Of a part that is written: DuckDB holds it once or twice beside the slice. The same whatever the memory, so that parts
 * have the same names for whoever tries again with less of it.
 */
const RANGE_BYTES = 40 * MIB;
/** Side by side; each has messages under way. */
const STREAMS = 4;
const STREAMS_WITHIN_LITTLE = 1;
const LITTLE_BYTES = 512 * MIB;

/** Throws MergeFailure, the system's errors, and the signal's reason. */
export const fetchEngine: Engine = async (request) => {
  const client = openReadClient({ project: (await readMergedParts(request.workspace)).project });
  try {
    return await fetchAndStitch(request, client);
  } catch (error) {
    if (error instanceof BigQueryError) throw fetchFailure(error);
    throw error;
  } finally {
    await client.close();
  }
};

/** A table that is gone is no matter of the configuration: the pair is tried again, and its queries make it anew. */
function fetchFailure(error: BigQueryError): MergeFailure {
  const { type, reason, message } = error;
  if (reason !== 'notFound') return new MergeFailure(type, message, {}, { cause: error });
  const what = 'a table has gone before it was read back, and is made again where the pair is tried again';
  return new MergeFailure('CommandFailed', `${what}: ${message}`, {}, { cause: error });
}

interface Fetch {
  request: EngineRequest;
  staging: Staging;
  merged: MergedParts;
  client: BigQueryReadClient;
  memory: SliceMemory;
  width: { mostColumns: number };
  database: AlignDatabase;
  values: ValueSource;
  onBytes: (bytes: number) => void;
}

async function fetchAndStitch(request: EngineRequest, client: BigQueryReadClient): Promise<EngineResult> {
  const { plan, partsDir, job, signal } = request;
  const [staging, merged] = await Promise.all([readStaging(request.workspace), readMergedParts(request.workspace)]);
  assertSamePlan(plan, staging, merged);
  await mkdir(partsDir, { recursive: true });
  const database = await openAlignDatabase(partsDir, job.memoryBytes, signal);
  const parts = new Map<number, AlignedPart[]>(plan.checkpoints.map(({ index }) => [index, []]));
  let onBytes: Fetch['onBytes'];
  let keyParts: AlignedPart[];
  try {
    const limits: FetchLimits = {
      sliceBytes: Math.min(
        MAX_SLICE_BYTES,
        Math.max(MIN_SLICE_BYTES, Math.floor((job.memoryBytes - BESIDE_BYTES) / 2)),
      ),
      rangeBytes: RANGE_BYTES,
      sliceColumns: MAX_SLICE_COLUMNS,
    };
    const slices = staging.rows === 0 ? [] : planSlices(plan, staging, merged.parts, limits);
    const total = slices.reduce((sum, { bytes }) => sum + bytes, inputBytes(plan));
    let done = 0;
    onBytes = (bytes) => request.onBytes(Math.round((done += bytes)), Math.round(Math.max(done, total)));
    keyParts = await writeKeyParts({ plan, partsDir, database });
    const memory = new SliceMemory(Math.max(0, ...slices.map(({ fixedBytes }) => fixedBytes)));
    const values = registerValues(database);
    const width = { mostColumns: MAX_SLICE_COLUMNS };
    const fetch: Fetch = { request, staging, merged, client, memory, width, database, values, onBytes };
    for (const slice of slices)
      for (const { range, written } of await fetchSlice(fetch, slice)) parts.get(range.file)!.push(...written);
  } finally {
    database.close();
  }
  const createdBy = `widemerge version ${VERSION}`;
  return stitchParts({ plan, outputPath: request.outputPath, parts, keyParts, createdBy, signal, onBytes });
}

function assertSamePlan(plan: MergePlan, staging: Staging, merged: MergedParts): void {
  if (staging.planId === plan.id && merged.planId === plan.id) return;
  throw new MergeFailure(
    'InputChanged',
    'the checkpoints are not those that were sent to BigQuery; retry the pair, it is sent again',
  );
}

interface WrittenRange {
  range: FetchRange;
  /** One for each row group of the output. */
  written: AlignedPart[];
}

async function fetchSlice(fetch: Fetch, slice: FetchSlice): Promise<WrittenRange[]> {
  fetch.request.signal?.throwIfAborted();
  const found = await findParts(fetch, slice);
  if (found !== null) {
    fetch.onBytes(slice.bytes);
    return found;
  }
  const { request, staging, merged, client, memory, width, database, values } = fetch;
  const { project, dataset } = merged;
  const columns = slice.ranges.flatMap((range) =>
    range.columns.map(({ physicalType, name }, i) => ({
      name: `c${range.firstInTable + i}`,
      physicalType: physicalType!,
      label: `${staging.checkpoints[range.file]!.name}: ${name}`,
    })),
  );
  const bytesEach = slice.bytes / (staging.rows * columns.length);
  const read = await readSlice({
    client,
    project,
    dataset,
    table: slice.table,
    rows: staging.rows,
    columns,
    width,
    memory,
    streams: request.job.memoryBytes < LITTLE_BYTES ? STREAMS_WITHIN_LITTLE : STREAMS,
    // For whoever sums up what was read: each session is billed.
    onSession: (session, bytes) => noteRead(request.workspace, { session, bytes }),
    onRows: (rows, count) => fetch.onBytes(rows * count * bytesEach),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  const ranges: WrittenRange[] = [];
  for (const range of slice.ranges) {
    const held = read.splice(0, range.columns.length);
    const written: AlignedPart[] = [];
    for (const { rowGroup, firstRow, rows, path } of partsOf(fetch, range)) {
      const select = (): Promise<string> => Promise.resolve(values.select(held, firstRow, rows));
      const { columns: wanted, codec } = range;
      written.push(
        await writePart({ path, columns: wanted, rows, rowGroup, codec, select, database }).catch((error: unknown) => {
          throw duckdbFailure(error, staging.checkpoints[range.file]!.name);
        }),
      );
    }
    ranges.push({ range, written });
  }
  return ranges;
}

/** The parts of a slice, where all of them are whole on disk. */
async function findParts(fetch: Fetch, slice: FetchSlice): Promise<WrittenRange[] | null> {
  const found: WrittenRange[] = [];
  for (const range of slice.ranges) {
    const written: AlignedPart[] = [];
    for (const { path, rowGroup } of partsOf(fetch, range)) {
      const part = await findPart(path, rowGroup, range.columns);
      if (part === null) return null;
      written.push(part);
    }
    found.push({ range, written });
  }
  return found;
}

interface PlannedPart {
  path: string;
  rowGroup: number;
  firstRow: number;
  rows: number;
}

/** One part for each row group of the output, named by what is in it: rows, columns and where they come from. */
function partsOf({ request, staging }: Fetch, { file, first, columns }: FetchRange): PlannedPart[] {
  const { rowGroupRows, spine, checkpoints } = staging;
  const identity = JSON.stringify(['bigquery', spine.content, rowGroupRows, checkpoints[file]!.content]);
  const key = createHash('sha256').update(identity).digest('hex').slice(0, 24);
  let firstRow = 0;
  return rowGroupRows.map((rows, rowGroup) => {
    const path = join(request.partsDir, `${key}-g${rowGroup}-c${first}-${columns.length}.parquet`);
    const part = { path, rowGroup, firstRow, rows };
    firstRow += rows;
    return part;
  });
}
