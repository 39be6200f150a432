/** What jobs do: the checks that the emulator forgets, then the emulator's own work. */
import { randomUUID } from 'node:crypto';
import { ServiceError, errorResult } from './errors.ts';
import type { ErrorReason, ErrorResult } from './errors.ts';
import { runCopy } from './copy-job.ts';
import { createDestination, removeTable } from './destination.ts';
import type { Answer } from './http.ts';
import type { Job } from './jobs.ts';
import { endJob } from './jobs.ts';
import { loadObject } from './load-object.ts';
import type { MetadataRate } from './metadata-rate.ts';
import type { ObjectStore } from './object-store.ts';
import { QUERY_TEXT_LIMIT, commonLocation, scanQuery } from './scan.ts';
import type { QueryConfiguration, Scan } from './scan.ts';
import { checkProperties, checkSchema, type TableProperties } from './schema-rules.ts';
import { tableName } from './tables.ts';
import type { Field, TableReference, Tables } from './tables.ts';
import { readAnswer } from './upstream.ts';
import type { Upstream } from './upstream.ts';

export interface JobServices {
  upstream: Upstream;
  tables: Tables;
  /** Null where the rate is not limited. */
  rate: MetadataRate | null;
  objects: ObjectStore;
}

interface UpstreamJob {
  status?: { errorResult?: ErrorResult };
  statistics?: { query?: { statementType?: string; schema?: { fields?: Field[] } } };
}

interface LoadConfiguration {
  createDisposition?: string;
  writeDisposition?: string;
  destinationTable?: TableReference;
  schema?: { fields?: Field[] };
  sourceUris?: string[];
  destinationTableProperties?: TableProperties;
}

/** Runs a job to its end once it is due; never rejects: what goes wrong is the job's error. */
export async function runJob(
  services: JobServices,
  job: Job,
  injected: ErrorReason | null,
  upload: (() => Promise<Answer>) | null,
): Promise<void> {
  await job.due.promise;
  try {
    if (job.cancelRequested) {
      // The service may charge a cancelled query in full: the strict answer is that it does.
      if (job.kind === 'query') charge(job, await scanOf(services, job));
      throw new ServiceError('stopped', 'Job execution was cancelled: User requested cancellation');
    }
    if (injected !== null) throw new ServiceError(injected, `${injected} (injected by the proxy)`);
    if (job.kind === 'query') await runQuery(services, job);
    else if (job.kind === 'load') await runLoad(services, job, upload);
    else if (job.kind === 'copy') await runCopy(services, job, () => runOther(services, job));
    else await runOther(services, job);
    endJob(job, null);
  } catch (error) {
    const refusal =
      error instanceof ServiceError
        ? error
        : new ServiceError('internalError', `the emulator failed: ${String(error)}`);
    endJob(job, errorResult(refusal));
  }
}

/** The emulator needs seconds to read thousands of columns: longer texts are judged by the books alone when dry. */
const PROBED_TEXT_LIMIT = 4 * 1024;

/**
 * The figures of a query that is not run; throws what the query would fail with. Texts above 4 KiB are not shown to
 * the emulator: their syntax and columns are not checked, and their schema is not told.
 */
export async function dryRun(
  services: JobServices,
  project: string,
  configuration: { query?: object },
  location: string | null,
): Promise<Scan & { schema: Field[]; statementType: string | null }> {
  const query = configuration.query as QueryConfiguration;
  checkText(query);
  const scan = await scanQuery(services.tables, project, query, location);
  if (query.query.length > PROBED_TEXT_LIMIT) return { ...scan, schema: [], statementType: null };
  // The emulator runs a dry SELECT in full: a limit of 0 rows leaves it the schema, and the errors.
  const sql = scan.references.isQuery ? `SELECT * FROM (\n${trimmed(query.query)}\n) LIMIT 0` : query.query;
  const probe = await services.upstream.call<UpstreamJob>('POST', `/projects/${project}/jobs`, {
    jobReference: { projectId: project, jobId: `dry_${randomUUID()}` },
    configuration: { ...configuration, dryRun: true, query: { ...onlyText(query), query: sql } },
  });
  const error = probe.status?.errorResult;
  if (error !== undefined) throw new ServiceError(error.reason, error.message);
  const schema = probe.statistics?.query?.schema?.fields ?? [];
  checkSchema(schema);
  return { ...scan, schema, statementType: probe.statistics?.query?.statementType ?? null };
}

/** Of the request, before any job is made of it. */
export function checkText(query: QueryConfiguration): void {
  if (typeof query.query !== 'string' || query.query.trim() === '')
    throw new ServiceError('invalid', 'Required parameter is missing: query');
  if (query.query.length > QUERY_TEXT_LIMIT)
    throw new ServiceError(
      'invalid',
      `The query is too large. The maximum standard SQL query length is ${QUERY_TEXT_LIMIT / 1024}.00K characters, including comments and white space characters.`,
    );
}

async function runQuery(services: JobServices, job: Job): Promise<void> {
  const { upstream, tables, rate } = services;
  const { projectId } = job.reference;
  const query = job.configuration.query as QueryConfiguration;
  const scan = await scanOf(services, job);
  const limit = query.maximumBytesBilled === undefined ? Infinity : Number(query.maximumBytesBilled);
  if (scan.bytesBilled > limit)
    throw new ServiceError(
      'bytesBilledLimitExceeded',
      `Query exceeded limit for bytes billed: ${limit}. ${scan.bytesBilled} or higher required.`,
    );
  const destination = query.destinationTable ?? null;
  if (destination !== null && !scan.references.isQuery)
    throw new ServiceError(
      'invalid',
      'configuration.query.destinationTable cannot be set for statements that are no query',
    );
  const written = destination ?? scan.target;
  if (written !== null) rate?.count(written);
  const sql = destination === null ? query.query : await writingTo(services, destination, query);
  const upstreamId = randomUUID();
  try {
    const answer = await upstream.call<UpstreamJob>('POST', `/projects/${projectId}/jobs`, {
      jobReference: { projectId, jobId: upstreamId },
      configuration: { query: { ...onlyText(query), query: sql } },
    });
    const error = answer.status?.errorResult;
    if (error !== undefined) throw new ServiceError(error.reason, error.message);
    job.upstreamId = upstreamId;
    job.statementType = destination === null ? (answer.statistics?.query?.statementType ?? null) : 'SELECT';
  } finally {
    if (written !== null) tables.forget(written);
    if (!scan.references.isQuery && !/^\s*(CREATE|INSERT)\b/i.test(query.query)) tables.forgetAll();
  }
  if (written !== null) {
    // The emulator does not count what DML changes.
    if (!/^CREATE\b/i.test(sql)) tables.recount(written);
    await checkWritten(services, written);
  }
  charge(job, scan);
}

/** `destinationTable`, which the emulator passes over, as a statement that it knows. */
async function writingTo(
  { tables }: JobServices,
  destination: TableReference,
  query: QueryConfiguration,
): Promise<string> {
  const name = `\`${tableName(destination)}\``;
  const disposition = query.writeDisposition ?? 'WRITE_EMPTY';
  const existing = await tables.find(destination);
  if (existing === null && query.createDisposition === 'CREATE_NEVER')
    throw new ServiceError('notFound', `Not found: Table ${tableName(destination)}`);
  if (existing !== null && existing.rows > 0 && disposition === 'WRITE_EMPTY')
    throw new ServiceError('duplicate', `Already Exists: Table ${tableName(destination)}`);
  if (existing !== null && disposition === 'WRITE_APPEND') return `INSERT INTO ${name}\n${trimmed(query.query)}`;
  return `CREATE OR REPLACE TABLE ${name} AS\n${trimmed(query.query)}`;
}

/** The emulator takes any number of columns: what is too wide goes away again. */
async function checkWritten({ upstream, tables }: JobServices, written: TableReference): Promise<void> {
  const table = await tables.find(written);
  if (table === null) return;
  try {
    checkSchema(table.fields);
  } catch (error) {
    await removeTable(upstream, written);
    tables.forget(written);
    throw error;
  }
}

async function runLoad(services: JobServices, job: Job, upload: (() => Promise<Answer>) | null): Promise<void> {
  const { tables, rate } = services;
  const load = job.configuration.load as LoadConfiguration;
  const destination = load.destinationTable;
  if (destination === undefined) throw new ServiceError('invalid', 'Required parameter is missing: destinationTable');
  await commonLocation(tables, [destination], job.reference.location);
  checkSchema(load.schema?.fields ?? []);
  checkProperties(load.destinationTableProperties ?? {});
  rate?.count(destination);
  const existing = await tables.find(destination);
  if (existing === null && load.createDisposition === 'CREATE_NEVER')
    throw new ServiceError('notFound', `Not found: Table ${tableName(destination)}`);
  const before = existing?.rows ?? 0;
  if (before > 0 && load.writeDisposition === 'WRITE_EMPTY')
    throw new ServiceError('duplicate', `Already Exists: Table ${tableName(destination)}`);
  // The emulator loads only into a table that is there: it is made first, and goes again where the load fails.
  const isMade = existing === null && load.schema !== undefined;
  if (isMade) await createDestination(services.upstream, destination, load);
  try {
    const send = upload ?? (() => loadObject(services, job));
    failed(readAnswer(await send()) as UpstreamJob);
  } catch (error) {
    if (isMade) await removeTable(services.upstream, destination);
    throw error;
  } finally {
    tables.forget(destination);
  }
  const after = (await tables.find(destination))?.rows ?? 0;
  const appended = load.writeDisposition !== 'WRITE_TRUNCATE';
  job.outputRows = appended ? after - before : after;
}

/** Copies and extracts are the emulator's. */
async function runOther({ upstream }: JobServices, job: Job): Promise<void> {
  const { projectId } = job.reference;
  const jobReference = { projectId, jobId: randomUUID() };
  failed(
    await upstream.call<UpstreamJob>('POST', `/projects/${projectId}/jobs`, {
      jobReference,
      configuration: job.configuration,
    }),
  );
}

function failed(answer: UpstreamJob): void {
  const error = answer.status?.errorResult;
  if (error !== undefined) throw new ServiceError(error.reason, error.message);
}

function scanOf({ tables }: JobServices, job: Job): Promise<Scan> {
  const { projectId, location } = job.reference;
  return scanQuery(tables, projectId, job.configuration.query as QueryConfiguration, location);
}

function charge(job: Job, scan: Scan): void {
  job.tablesRead = scan.tables;
  job.bytesProcessed = scan.bytesProcessed;
  job.bytesBilled = scan.bytesBilled;
}

/** The parts of a query's configuration that the emulator is right about. */
function onlyText(query: QueryConfiguration): object {
  const ours = ['destinationTable', 'writeDisposition', 'createDisposition', 'maximumBytesBilled'];
  return Object.fromEntries(Object.entries(query).filter(([name]) => !ours.includes(name)));
}

function trimmed(sql: string): string {
  return sql.replace(/[\s;]+$/, '');
}
