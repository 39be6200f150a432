/**
 * Whether a worker could use the service as a configuration says: asked by requests that cost nothing (an object that is
 * written to a bucket: $0.000005), each answer with what mends it. What a request of the kind is allowed is found out by making it, not by reading roles: they come from
 * projects, folders, groups and datasets, and only the service adds them up.
 */
import { randomBytes } from 'node:crypto';
import type { BigQuery, JobMetadata } from '@google-cloud/bigquery';
import { environment } from '../config/environment.ts';
import type { BigqueryConfig } from '../payloads.ts';
import { failed, note, ok, type Check } from './check.ts';
import { checkBucket } from './check-bucket.ts';
import { openClient, openReadClient } from './client.ts';
import { BigQueryError, reasonOf } from './error-reasons.ts';
import { mendingLines, type Role } from './mending-lines.ts';
import { patiently, unlessMissing, type Patience } from './patiently.ts';
import { readReason } from './read-errors.ts';
import { googleRegion, isSamePlace } from './places.ts';

type Config = BigqueryConfig & { project: string };

interface Bench {
  config: Config;
  client: BigQuery;
  /** Whom roles are granted to, as gcloud wants it. */
  member: string;
}

/** Somebody waits for the answer: the service's own trouble is borne for about five seconds. */
const PATIENCE: Patience = { pace: { firstMs: 100, longestMs: 1_000 } };
/** The table that is made to see whether one may: should its removal fail, it goes by itself. */
const PROBE_LIFE_MS = 10 * 60_000;
const SESSION_TIMEOUT_MS = 10_000;

/** Each check as it is done; the rest is left out where one says that it could only fail, too. Throws bugs alone. */
export async function* checkService(config: Config): AsyncGenerator<Check> {
  const client = openClient(config);
  const { check, member } = await checkCredentials(client);
  yield check;
  if (check.verdict === 'FAIL') return;
  const bench: Bench = { config, client, member };
  const { check: jobs, goOn } = await checkJobs(bench);
  yield jobs;
  if (!goOn) return;
  const dataset = await checkDataset(bench);
  yield dataset.check;
  if (dataset.isThere) yield* checkTables(bench);
  yield* checkBucket(bench, PATIENCE);
  yield await checkPlaces(config);
}

async function checkCredentials(client: BigQuery): Promise<{ check: Check; member: string }> {
  const { restUrl } = environment.bigqueryEmulator;
  const somebody = 'user:$(gcloud config get account)';
  if (restUrl !== undefined)
    return {
      check: note('credentials', `none are needed: an emulator at ${restUrl} stands for BigQuery`),
      member: somebody,
    };
  try {
    await client.authClient.getAccessToken();
  } catch (error) {
    const reason = reasonOf(error) === 'backendError' ? 'backendError' : 'noCredentials';
    return {
      check: failed('credentials', new BigQueryError('a token', reason, messageOf(error)), []),
      member: somebody,
    };
  }
  const { client_email: account } = await client.authClient.getCredentials().catch(() => ({ client_email: undefined }));
  const member = account === undefined ? somebody : `serviceAccount:${account}`;
  return { check: ok('credentials', `a token for ${account ?? "a person's own account"}`), member };
}

/** The dry run of a query that reads nothing: the project, its API, the location and the right to run jobs. */
async function checkJobs({ client, config, member }: Bench): Promise<{ check: Check; goOn: boolean }> {
  const { project, location } = config;
  const what = `jobs in ${project}`;
  try {
    const [job] = await patiently(what, PATIENCE, () =>
      client.createQueryJob({ query: 'SELECT 1', location, dryRun: true }),
    );
    const { statistics } = job.metadata as JobMetadata & { statistics?: { reservation_id?: string } };
    const reservation = statistics?.reservation_id;
    const pricing =
      reservation === undefined
        ? `on demand as far as a dry run tells, $${config.prices.queryPerTiB} per TiB scanned`
        : `by the capacity reservation ${reservation}: queries cost its slots, and the budget counts them as on demand`;
    return { check: ok(what, `may be run in ${location}; pricing ${pricing}`), goOn: true };
  } catch (error) {
    if (!(error instanceof BigQueryError)) throw error;
    const mend = mendingLines(error, { config, member, role: 'jobUser', place: 'project' });
    return { check: failed(what, error, mend), goOn: error.reason === 'accessDenied' };
  }
}

async function checkDataset(bench: Bench): Promise<{ check: Check; isThere: boolean }> {
  const { client, config, member } = bench;
  const { dataset, location } = config;
  const what = `dataset ${dataset}`;
  try {
    const found = await unlessMissing(what, PATIENCE, () => client.dataset(dataset).getMetadata());
    if (found === null) return { check: await checkCreation(bench), isThere: false };
    const { location: place = location } = found[0] as { location?: string };
    if (place.toLowerCase() !== location.toLowerCase()) {
      const error = new BigQueryError(what, 'notFound', `it is in ${place}, and bigquery.location is ${location}`);
      const mend = [`in the configuration: bigquery: { location: ${place} }, or another name for bigquery.dataset`];
      return { check: failed(what, error, mend), isThere: false };
    }
    return { check: ok(what, `is in ${place}`), isThere: true };
  } catch (error) {
    if (!(error instanceof BigQueryError)) throw error;
    const mend = mendingLines(error, { config, member, role: 'dataEditor', place: 'dataset' });
    return { check: failed(what, error, mend), isThere: false };
  }
}

/** A dataset that is missing is made by the first pair, where the account may. */
async function checkCreation({
  client,
  config: { project, dataset, location, stagingExpiresMs },
}: Bench): Promise<Check> {
  const what = `dataset ${dataset}`;
  const seconds = Math.ceil(Math.max(stagingExpiresMs, 3_600_000) / 1000);
  const make = `bq --location=${location} mk --dataset --default_table_expiration=${seconds} ${project}:${dataset}`;
  const permission = 'bigquery.datasets.create';
  const may = await isGranted(client, project, permission);
  if (may === false)
    return {
      what,
      verdict: 'FAIL',
      says: `is missing, and the account lacks ${permission}: make it for it`,
      mend: [make],
    };
  const says = may
    ? `is made with the first pair`
    : `is missing; the first pair makes it where the account has ${permission}`;
  return { what, verdict: may ? 'ok' : 'note', says, mend: may ? [] : [make] };
}

/** Makes an empty table, asks for a session to read it, and removes it: none of it costs anything. */
async function* checkTables({ client, config, member }: Bench): AsyncGenerator<Check> {
  const { project, dataset } = config;
  const name = `widemerge_doctor_${randomBytes(8).toString('hex')}`;
  const table = client.dataset(dataset).table(name);
  try {
    const expirationTime = `${Date.now() + PROBE_LIFE_MS}`;
    const schema = { fields: [{ name: 'position', type: 'INT64' }] };
    await patiently('make a table', PATIENCE, () =>
      client.dataset(dataset).createTable(name, { schema, expirationTime }),
    );
    yield ok('tables', `may be made in ${dataset}`);
  } catch (error) {
    if (!(error instanceof BigQueryError)) throw error;
    yield failed('tables', error, mendingLines(error, { config, member, role: 'dataEditor', place: 'dataset' }));
    return;
  }
  yield await checkReading(config, member, `projects/${project}/datasets/${dataset}/tables/${name}`);
  try {
    await unlessMissing('remove a table', PATIENCE, () => table.delete());
  } catch (error) {
    if (!(error instanceof BigQueryError)) throw error;
    yield failed('tables', error, mendingLines(error, { config, member, role: 'dataEditor', place: 'dataset' }));
  }
}

async function checkReading(config: Config, member: string, table: string): Promise<Check> {
  const what = 'Storage Read';
  const reader = openReadClient(config);
  try {
    await reader.createReadSession(
      { parent: `projects/${config.project}`, maxStreamCount: 1, readSession: { table, dataFormat: 'ARROW' } },
      { timeout: SESSION_TIMEOUT_MS, maxRetries: 0 },
    );
    return ok(what, 'a session to read by is granted');
  } catch (error) {
    const reason = readReason(error);
    if (reason === null) throw error;
    const failure = new BigQueryError('a read session', reason, messageOf(error));
    const role: Role = 'readSessionUser';
    return failed(what, failure, mendingLines(failure, { config, member, role, place: 'project' }));
  } finally {
    await reader.close();
  }
}

/** Of what is read back only egress depends on where the worker is, and it is dearer than all the rest. */
async function checkPlaces({ location, workerLocation, prices }: Config): Promise<Check> {
  const what = 'egress';
  if (workerLocation?.toLowerCase() === location.toLowerCase())
    return ok(what, `none: the worker is said to be in ${workerLocation}, as the dataset`);
  const isEmulator = environment.bigqueryEmulator.restUrl !== undefined;
  const place = workerLocation ?? (isEmulator ? null : await googleRegion());
  const price = `$${prices.egressPerGiB} per GiB that is read back (\`widemerge plan\` says how much a pair)`;
  const where = place === null ? 'the worker is in no known location' : `the worker is in ${place}`;
  if (place === null || !isSamePlace(place, location))
    return note(what, `${price}: ${where}, the dataset in ${location}`);
  return {
    ...note(what, `${where}, which is free for a dataset in ${location}; it is counted all the same, ${price}`),
    mend: [`in the configuration: bigquery: { workerLocation: ${location} }`],
  };
}

/** Null where it cannot be found out: the API that tells is off in many projects. */
async function isGranted(client: BigQuery, project: string, permission: string): Promise<boolean | null> {
  const base = environment.bigqueryEmulator.restUrl ?? 'https://cloudresourcemanager.googleapis.com';
  const url = `${base}/v1/projects/${encodeURIComponent(project)}:testIamPermissions`;
  try {
    const { data } = await client.authClient.request<{ permissions?: string[] }>({
      ...{ url, method: 'POST', data: { permissions: [permission] }, timeout: SESSION_TIMEOUT_MS },
    });
    return data.permissions?.includes(permission) ?? false;
  } catch {
    return null;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
