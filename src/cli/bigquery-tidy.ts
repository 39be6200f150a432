import { Bucket } from '../bigquery/bucket.ts';
import { openClient } from '../bigquery/client.ts';
import { BigQueryError } from '../bigquery/error-reasons.ts';
import { isOfPair, listLeftovers, removeLeftovers, type Leftover, type StagingPlace } from '../bigquery/leftovers.ts';
import { listObjects, removeObjects, type LeftObject } from '../bigquery/left-objects.ts';
import type { Patience } from '../bigquery/patiently.ts';
import { pairsOfOpenRuns, type RunPair } from '../client/open-pairs.ts';
import { BUCKET_FORM } from '../config/bucket-place.ts';
import { loadConfig } from '../config/load.ts';
import { formatBytes, formatCount, formatDuration } from '../config/units.ts';
import { connect } from './connect.ts';
import { CommandError, UsageError } from './exit.ts';
import { table } from './terminal.ts';

export interface TidyOptions {
  project?: string;
  dataset?: string;
  location?: string;
  bucket?: string;
  yes: boolean;
  all: boolean;
  json: boolean;
}

/** Of an open run: it stays. */
type Used<T> = T & { usedBy: RunPair | null };
type Row = Used<Leftover>;

interface Place extends StagingPlace {
  bucket: string | null;
}

/** Somebody waits for the answer. */
const PATIENCE: Patience = { pace: { firstMs: 100, longestMs: 1_000 } };

/**
 * `widemerge bigquery tidy CONFIG`: what lost runs have left in the staging dataset and in the bucket; `--yes` removes it. What
 * is of a run that is open stays, and where no Temporal server says which those are, all stay: they expire anyway. `--all` is meant.
 */
export async function bigqueryTidy(config: string | undefined, options: TidyOptions): Promise<void> {
  const { yes, all, json } = options;
  const place = await placeOf(config, options);
  const found = await asked(() => listLeftovers(place, PATIENCE));
  const bucket = place.bucket === null ? null : await asked(() => openBucket(place, place.bucket!));
  const stored = bucket === null ? [] : await asked(() => listObjects(bucket));
  const leftovers = found?.leftovers ?? [];
  const open = all || leftovers.length + stored.length === 0 ? [] : await openPairs(yes);
  const used = <T extends { table: string }>(left: T): Used<T> => ({
    ...left,
    usedBy: open?.find(({ run, pair }) => isOfPair(left, run, pair)) ?? null,
  });
  const [rows, objects] = [leftovers.map(used), stored.map(used)];
  const isIdle = ({ usedBy }: { usedBy: RunPair | null }): boolean => usedBy === null;
  const [idle, idleObjects] = [rows.filter(isIdle), objects.filter(isIdle)];
  const where = `${place.project}.${place.dataset}`;
  if (found === null) console.log(`there is no dataset ${where}: nothing is left`);
  else for (const line of tidyLines(where, rows, found.others)) console.log(line);
  if (bucket !== null) for (const line of objectLines(bucket, objects)) console.log(line);
  const removed = yes && idle.length > 0 ? await asked(() => removeLeftovers(place, idle, PATIENCE)) : 0;
  const removedObjects =
    yes && bucket !== null && idleObjects.length > 0 ? await asked(() => removeObjects(bucket, idleObjects)) : 0;
  if (idle.length > 0) console.log(outcome(yes, count(yes ? removed : idle.length), bytesOf(idle)));
  if (idleObjects.length > 0)
    console.log(outcome(yes, count(yes ? removedObjects : idleObjects.length, 'object'), bytesOf(idleObjects)));
  if (open === null) console.log('no Temporal server says which runs are open: --yes needs one, or --all');
  if (json) {
    const shown = objects.map(({ uri, bytes, createdMs, usedBy }) => ({ uri, bytes, createdMs, usedBy }));
    const figures = { others: found?.others ?? 0, removed, removedObjects };
    console.log(JSON.stringify({ ...place, tables: rows, objects: shown, ...figures }));
  }
}

const openBucket = (place: Place, setting: string): Promise<Bucket> =>
  Promise.resolve().then(() => new Bucket(openClient(place), setting, PATIENCE));

const outcome = (isDone: boolean, what: string, bytes: number): string =>
  isDone ? `removed ${what}` : `${what}, ${formatBytes(bytes)}, would be removed with --yes`;

function objectLines(bucket: Bucket, objects: Used<LeftObject>[]): string[] {
  if (objects.length === 0) return [`nothing of widemerge's is left in ${bucket.uriOf(bucket.folder)}`];
  const now = Date.now();
  const cells = objects.map(({ uri, bytes, createdMs, usedBy }) => [
    ...[uri, formatBytes(bytes), formatDuration(Math.max(0, now - createdMs))],
    usageOf(usedBy),
  ]);
  return table(['object', 'bytes', 'age', 'used by'], cells);
}

const usageOf = (usedBy: RunPair | null): string =>
  usedBy === null ? '' : `run ${usedBy.run}, pair ${usedBy.pair}: stays`;

function tidyLines(where: string, rows: Row[], others: number): string[] {
  const more = others > 0 ? `; ${count(others)} of others are left alone` : '';
  if (rows.length === 0) return [`nothing of widemerge's is left in ${where}${more}`];
  const now = Date.now();
  const cells = rows.map(({ table: name, holds, rows: height, bytes, createdMs, expiresMs, usedBy }) => [
    name,
    holds,
    formatCount(height),
    formatBytes(bytes),
    formatDuration(Math.max(0, now - createdMs)),
    expiresMs === null ? 'never' : `in ${formatDuration(Math.max(0, expiresMs - now))}`,
    usageOf(usedBy),
  ]);
  return [
    ...table(['table', 'holds', 'rows', 'bytes', 'age', 'expires', 'used by'], cells),
    `${count(rows.length)} in ${where}, ${formatBytes(bytesOf(rows))}${more}`,
  ];
}

/** Null where no server can be asked; with `isNeeded` that is an error. */
async function openPairs(isNeeded: boolean): Promise<RunPair[] | null> {
  try {
    await using temporal = await connect();
    return await pairsOfOpenRuns(temporal.client);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (!isNeeded) return null;
    const message = `${error.message}; it knows which tables are in use (--all removes those of open runs, too)`;
    throw new CommandError({ ...error.facts, message }, { cause: error });
  }
}

async function placeOf(config: string | undefined, options: TidyOptions): Promise<Place> {
  const { project, dataset, location, bucket } = options;
  if (config === undefined) {
    if (project === undefined || dataset === undefined || location === undefined)
      throw new UsageError('whose tables? give a configuration, or --project, --dataset and --location');
    return { project, dataset, location, bucket: bucketSetting(bucket) };
  }
  if ([project, dataset, location, bucket].some((given) => given !== undefined))
    throw new UsageError('--project, --dataset, --location and --bucket are for where there is no configuration');
  const { bigquery } = await loadConfig(config);
  if (bigquery === undefined || bigquery.project === null)
    throw new UsageError(`${config} names no project: set bigquery.project`);
  const { project: id, dataset: name, location: place } = bigquery;
  return { project: id, dataset: name, location: place, bucket: bigquery.bucket ?? null };
}

function bucketSetting(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (!BUCKET_FORM.test(text)) throw new UsageError(`--bucket ${text}: expected e.g. gs://my-bucket/staging`);
  return text;
}

async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof BigQueryError)) throw cause;
    const message = `${cause.message}; widemerge doctor --bigquery CONFIG says more`;
    throw new CommandError({ type: cause.type, message }, { cause });
  }
}

const bytesOf = (rows: { bytes: number }[]): number => rows.reduce((sum, { bytes }) => sum + bytes, 0);
const count = (number: number, what = 'table'): string => `${number} ${what}${number === 1 ? '' : 's'}`;
