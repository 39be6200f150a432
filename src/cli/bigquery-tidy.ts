import { BigQueryError } from '../bigquery/error-reasons.ts';
import { isOfPair, listLeftovers, removeLeftovers, type Leftover, type StagingPlace } from '../bigquery/leftovers.ts';
import type { Pace } from '../bigquery/patiently.ts';
import { pairsOfOpenRuns, type RunPair } from '../client/open-pairs.ts';
import { loadConfig } from '../config/load.ts';
import { formatBytes, formatDuration } from '../config/units.ts';
import { connect } from './connect.ts';
import { CommandError, UsageError } from './exit.ts';
import { table } from './terminal.ts';

export interface TidyOptions {
  project?: string;
  dataset?: string;
  location?: string;
  yes: boolean;
  all: boolean;
  json: boolean;
}

interface Row extends Leftover {
  /** Of an open run: it stays. */
  usedBy: RunPair | null;
}

/** Somebody waits for the answer. */
const PACE: Pace = { firstMs: 100, longestMs: 1_000 };

/**
 * `widemerge bigquery tidy CONFIG`: what lost runs have left in the staging dataset; `--yes` removes it. Tables of a run
 * that is open stay, and where no Temporal server says which those are, all stay: they expire anyway. `--all` is meant.
 */
export async function bigqueryTidy(config: string | undefined, options: TidyOptions): Promise<void> {
  const { yes, all, json } = options;
  const place = await placeOf(config, options);
  const found = await asked(() => listLeftovers(place, { pace: PACE }));
  const leftovers = found?.leftovers ?? [];
  const open = all || leftovers.length === 0 ? [] : await openPairs(yes);
  const rows = leftovers.map((leftover) => ({
    ...leftover,
    usedBy: open?.find(({ run, pair }) => isOfPair(leftover, run, pair)) ?? null,
  }));
  const idle = rows.filter(({ usedBy }) => usedBy === null);
  const where = `${place.project}.${place.dataset}`;
  if (found === null) console.log(`there is no dataset ${where}: nothing is left`);
  else for (const line of tidyLines(where, rows, found.others)) console.log(line);
  const removed = yes && idle.length > 0 ? await asked(() => removeLeftovers(place, idle, { pace: PACE })) : 0;
  if (idle.length > 0)
    console.log(
      yes
        ? `removed ${count(removed)}`
        : `${count(idle.length)}, ${formatBytes(bytesOf(idle))}, would be removed with --yes`,
    );
  if (open === null) console.log('no Temporal server says which runs are open: --yes needs one, or --all');
  if (json) console.log(JSON.stringify({ ...place, tables: rows, others: found?.others ?? 0, removed }));
}

function tidyLines(where: string, rows: Row[], others: number): string[] {
  const more = others > 0 ? `; ${count(others)} of others are left alone` : '';
  if (rows.length === 0) return [`nothing of widemerge's is left in ${where}${more}`];
  const now = Date.now();
  const cells = rows.map(({ table: name, holds, rows: height, bytes, createdMs, expiresMs, usedBy }) => [
    name,
    holds,
    height.toLocaleString('en'),
    formatBytes(bytes),
    formatDuration(Math.max(0, now - createdMs)),
    expiresMs === null ? 'never' : `in ${formatDuration(Math.max(0, expiresMs - now))}`,
    usedBy === null ? '' : `run ${usedBy.run}, pair ${usedBy.pair}: stays`,
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

async function placeOf(config: string | undefined, options: TidyOptions): Promise<StagingPlace> {
  const { project, dataset, location } = options;
  if (config === undefined) {
    if (project === undefined || dataset === undefined || location === undefined)
      throw new UsageError('whose tables? give a configuration, or --project, --dataset and --location');
    return { project, dataset, location };
  }
  if (project !== undefined || dataset !== undefined || location !== undefined)
    throw new UsageError('--project, --dataset and --location are for where there is no configuration');
  const { bigquery } = await loadConfig(config);
  if (bigquery === undefined || bigquery.project === null)
    throw new UsageError(`${config} names no project: set bigquery.project`);
  return { project: bigquery.project, dataset: bigquery.dataset, location: bigquery.location };
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

const bytesOf = (rows: Leftover[]): number => rows.reduce((sum, { bytes }) => sum + bytes, 0);
const count = (tables: number): string => `${tables} table${tables === 1 ? '' : 's'}`;
