import type { Check } from '../bigquery/check.ts';
import { checkService } from '../bigquery/checks.ts';
import { formatDollars } from '../budget/money.ts';
import { monthOf } from '../budget/month.ts';
import { readLedger } from '../client/budget.ts';
import { RunError } from '../client/errors.ts';
import { loadConfig } from '../config/load.ts';
import type { BigqueryConfig } from '../payloads.ts';
import { missingSearchAttributes } from '../workers/search-attributes.ts';
import { connect } from './connect.ts';
import { machineChecks } from './machine-checks.ts';
import { CommandError, EXIT, UsageError } from './exit.ts';

export interface DoctorOptions {
  bigquery: boolean;
  json: boolean;
}

/** `widemerge doctor [CONFIG] [--bigquery]`: the machine, the server and, where it is configured, BigQuery; with the flag BigQuery alone. Each check on a line as it is done, and below it what mends it. */
export async function doctor(config: string | undefined, { bigquery, json }: DoctorOptions): Promise<void> {
  const checks: Check[] = [];
  for await (const check of bigquery ? serviceChecks(config ?? 'widemerge.yaml') : allChecks(config)) {
    checks.push(check);
    for (const line of checkLines(check)) console.log(line);
  }
  const failures = checks.filter(({ verdict }) => verdict === 'FAIL').length;
  if (failures === 0) console.log(bigquery ? 'BigQuery can be used' : 'this machine can begin');
  else console.log(`${failures} of ${checks.length} checks failed: mend the first of them, and try again`);
  if (json) console.log(JSON.stringify({ checks, failures }));
  if (failures > 0) process.exitCode = EXIT.usage;
}

function checkLines({ what, verdict, says, mend }: Check): string[] {
  return [`${verdict.padEnd(4)}  ${what}: ${says}`, ...mend.map((line) => `      ${line}`)];
}

async function* allChecks(path: string | undefined): AsyncGenerator<Check> {
  const config = path === undefined ? null : await loadConfig(path);
  yield* machineChecks(config);
  yield* serverChecks();
  if (path !== undefined && config?.bigquery?.project) yield* serviceChecks(path);
}

async function* serviceChecks(path: string): AsyncGenerator<Check> {
  const { bigquery } = await loadConfig(path);
  const project = bigquery?.project ?? null;
  if (bigquery === undefined || project === null)
    throw new UsageError(`${path} names no project: set bigquery.project to the Google Cloud project that pays`);
  yield* checkService({ ...bigquery, project });
  yield await budgetCheck(project, bigquery);
}

/** What the project may still spend; its books are on the Temporal server, which need not run to ask BigQuery. */
async function budgetCheck(project: string, { budgetDollars }: BigqueryConfig): Promise<Check> {
  const what = 'budget';
  if (budgetDollars === 0)
    return {
      ...{ what, verdict: 'FAIL', says: 'is $0: nothing may be sent' },
      mend: ['in the configuration: bigquery: { budget: 25 }'],
    };
  const own = `$${budgetDollars.toFixed(2)} a run`;
  try {
    await using temporal = await connect();
    const { months } = await readLedger(temporal.client, project);
    const month = months.find((known) => known.month === monthOf(Date.now()));
    if (month === undefined) return { what, verdict: 'ok', says: `${own}; nothing was spent this month`, mend: [] };
    const { limitNanos, spentNanos, reservedNanos } = month;
    const gone = spentNanos + reservedNanos;
    const limit = limitNanos ?? Infinity;
    const used = `${own}; this month ${formatDollars(gone)} of ${limitNanos === null ? 'no limit' : formatDollars(limitNanos)} are spent or reserved`;
    const mend = [`widemerge budget ${project} --raise ${Math.max(1, Math.ceil((2 * gone) / 1e9))}`];
    return gone >= limit ? { what, verdict: 'FAIL', says: used, mend } : { what, verdict: 'ok', says: used, mend: [] };
  } catch (error) {
    if (error instanceof RunError && error.reason === 'notFound')
      return { what, verdict: 'ok', says: `${own}; nothing has been spent yet`, mend: [] };
    if (!(error instanceof RunError || error instanceof CommandError)) throw error;
    return { what, verdict: 'note', says: `${own}; what has been spent is not known: ${error.message}`, mend: [] };
  }
}

async function* serverChecks(): AsyncGenerator<Check> {
  const what = 'Temporal server';
  let temporal: Awaited<ReturnType<typeof connect>>;
  try {
    temporal = await connect();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    yield { what, verdict: 'FAIL', says: error.message, mend: [] };
    return;
  }
  await using connected = temporal;
  const { connection, options } = connected.client;
  yield { what, verdict: 'ok', says: `answers, and has the namespace ${options.namespace}`, mend: [] };
  const attributes = 'search attributes';
  try {
    const missing = await missingSearchAttributes(connection, options.namespace);
    const mend = missing.map(
      (name) =>
        `temporal operator search-attribute create --namespace ${options.namespace} --name ${name} --type Keyword`,
    );
    if (missing.length === 0) yield { what: attributes, verdict: 'ok', says: 'are registered', mend };
    else
      yield {
        ...{ what: attributes, verdict: 'note', mend },
        says: `${missing.join(', ')} are missing: a worker registers them when it starts, where it may; runs go on without`,
      };
  } catch (error) {
    yield { what: attributes, verdict: 'note', says: `cannot be asked for (${String(error)})`, mend: [] };
  }
}
