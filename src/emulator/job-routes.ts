import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ERROR_STATUS, ServiceError } from './errors.ts';
import type { ErrorReason } from './errors.ts';
import type { Fault } from './faults.ts';
import { bodyParts, jsonAnswer, parseJson } from './http.ts';
import type { Answer } from './http.ts';
import { cancelJob, countPoll, jobResource } from './jobs.ts';
import type { Job, JobConfiguration, JobKind, Jobs } from './jobs.ts';
import { checkText, dryRun, runJob } from './run-job.ts';
import type { JobServices } from './run-job.ts';
import type { ServiceRequest } from './request.ts';
import { commonLocation, scanQuery } from './scan.ts';
import type { QueryConfiguration } from './scan.ts';
import type { Field, TableReference } from './tables.ts';

const KINDS = ['query', 'load', 'copy', 'extract'] as const;
/** A look at a job waits so long for its end, so that clients that look twice a second need to look once. */
const POLL_WAIT_MS = 200;
/** Of getQueryResults and jobs.query, where the client says nothing. */
const RESULTS_WAIT_MS = 10_000;

interface JobBody {
  jobReference?: { jobId?: string; location?: string };
  configuration?: JobConfiguration;
}

interface QueryBody extends QueryConfiguration {
  dryRun?: boolean;
  labels?: Record<string, string>;
  location?: string;
  timeoutMs?: number;
  maxResults?: number;
  requestId?: string;
}

/** jobs.insert (with and without data), get, list, cancel, query and getQueryResults, as the service answers them. */
export class JobRoutes {
  private readonly jobs: Jobs;
  private readonly services: JobServices;
  /** Jobs of jobs.query by their request id, which makes a repeated request the same job. */
  private readonly requests = new Map<string, Job>();

  constructor(jobs: Jobs, services: JobServices) {
    this.jobs = jobs;
    this.services = services;
  }

  /** Null where the request is about something else; throws a ServiceError. */
  async answer(request: ServiceRequest, fault: Fault | null): Promise<Answer | null> {
    const [collection, id, verb] = request.resource;
    if (collection !== 'jobs' && collection !== 'queries') return null;
    const route = `${request.method} ${collection}${id === undefined ? '' : '/id'}${verb === undefined ? '' : `/${verb}`}`;
    if (route === 'POST jobs') return await this.insert(request, fault);
    if (route === 'POST queries') return await this.query(request, fault);
    if (route === 'GET jobs') return this.list(request);
    if (id !== undefined) {
      const job = () => this.jobs.get(request.project, id, request.query.get('location'));
      if (route === 'GET jobs/id') return await poll(job());
      if (route === 'GET queries/id') return await this.results(job(), request.query);
      if (route === 'POST jobs/id/cancel') return cancel(job());
    }
    throw new ServiceError('notImplemented', `the proxy does not know ${request.method} ${request.path}`);
  }

  private async insert(request: ServiceRequest, fault: Fault | null): Promise<Answer> {
    const body = jobBody(request);
    const configuration = body.configuration ?? {};
    const kind = KINDS.find((name) => configuration[name] !== undefined);
    if (kind === undefined) throw new ServiceError('invalid', 'Required parameter is missing: configuration');
    const location = body.jobReference?.location ?? null;
    if (kind === 'query') checkText(configuration.query as QueryConfiguration);
    if (configuration.dryRun === true && kind === 'query')
      return await this.dryJob(request.project, configuration, location);
    const reference = {
      projectId: request.project,
      jobId: body.jobReference?.jobId ?? `job_${randomUUID()}`,
      location: location ?? (await this.placeOf(request.project, kind, configuration)),
    };
    const job = this.start(reference, kind, configuration, fault, request.isUpload ? request : null);
    return jsonAnswer(200, jobResource(job));
  }

  private start(
    reference: Job['reference'],
    kind: JobKind,
    configuration: JobConfiguration,
    fault: Fault | null,
    upload: ServiceRequest | null,
  ): Job {
    if (!/^[\w-]{1,1024}$/.test(reference.jobId))
      throw new ServiceError('invalid', `Invalid job ID "${reference.jobId}"`);
    const job = this.jobs.add(reference, kind, configuration, fault?.fault === 'slow' ? fault.polls : 0);
    const injected = fault?.fault === 'job-error' ? fault.reason : null;
    const send =
      upload === null
        ? null
        : () => this.services.upstream.forward(upload.method, upload.target, upload.contentType, upload.body);
    void runJob(this.services, job, injected, send);
    return job;
  }

  private async dryJob(project: string, configuration: JobConfiguration, location: string | null): Promise<Answer> {
    const run = await dryRun(this.services, project, configuration, location);
    return jsonAnswer(200, {
      kind: 'bigquery#job',
      jobReference: { projectId: project, location: run.location ?? 'US' },
      configuration: { jobType: 'QUERY', ...configuration },
      status: { state: 'DONE' },
      statistics: {
        creationTime: `${Date.now()}`,
        totalBytesProcessed: `${run.bytesProcessed}`,
        query: {
          totalBytesProcessed: `${run.bytesProcessed}`,
          totalBytesBilled: '0',
          totalBytesProcessedAccuracy: 'PRECISE',
          cacheHit: false,
          statementType: run.statementType,
          schema: { fields: run.schema },
        },
      },
    });
  }

  /** Where a job runs that does not say it: where its datasets are. */
  private async placeOf(project: string, kind: JobKind, configuration: JobConfiguration): Promise<string> {
    const { tables } = this.services;
    if (kind === 'query') {
      const query = configuration.query as QueryConfiguration;
      // What a query fails over is the error of its job, not of the request that makes it.
      const scan = await scanQuery(tables, project, query, null).catch(() => null);
      return scan?.location ?? 'US';
    }
    const { destinationTable } = (configuration[kind] ?? {}) as { destinationTable?: TableReference };
    if (destinationTable === undefined) return 'US';
    return (await commonLocation(tables, [destinationTable], null).catch(() => null)) ?? 'US';
  }

  private async query(request: ServiceRequest, fault: Fault | null): Promise<Answer> {
    const body = parseJson(request.body) as QueryBody | null;
    if (body === null) throw new ServiceError('invalid', 'the request is no JSON');
    checkText(body);
    const { dryRun: isDry, labels, location, timeoutMs, maxResults, requestId, ...query } = body;
    if (isDry === true) {
      const run = await dryRun(this.services, request.project, { query }, location ?? null);
      const jobReference = { projectId: request.project, location: run.location ?? 'US' };
      const { schema, bytesProcessed } = run;
      const facts = { jobComplete: true, schema: { fields: schema }, totalBytesProcessed: `${bytesProcessed}` };
      return jsonAnswer(200, { kind: 'bigquery#queryResponse', jobReference, ...facts, cacheHit: false });
    }
    let job = requestId === undefined ? undefined : this.requests.get(requestId);
    if (job === undefined) {
      const configuration = { query, ...(labels === undefined ? {} : { labels }) };
      const place = location ?? (await this.placeOf(request.project, 'query', configuration));
      const reference = { projectId: request.project, jobId: `job_${randomUUID()}`, location: place };
      job = this.start(reference, 'query', configuration, fault, null);
      if (requestId !== undefined) this.requests.set(requestId, job);
    }
    const parameters = new URLSearchParams();
    if (timeoutMs !== undefined) parameters.set('timeoutMs', `${timeoutMs}`);
    if (maxResults !== undefined) parameters.set('maxResults', `${maxResults}`);
    return await this.results(job, parameters);
  }

  private async results(job: Job, parameters: URLSearchParams): Promise<Answer> {
    if (job.kind !== 'query') throw new ServiceError('invalid', 'Cannot read results of a job that is no query');
    await look(job, Number(parameters.get('timeoutMs') ?? RESULTS_WAIT_MS));
    const reply = { kind: 'bigquery#getQueryResultsResponse', jobReference: job.reference };
    if (job.state !== 'DONE') return jsonAnswer(200, { ...reply, jobComplete: false });
    if (job.error !== null) throw new ServiceError(job.error.reason, job.error.message, statusOf(job.error.reason));
    const { destinationTable } = job.configuration.query as QueryConfiguration;
    const rows =
      destinationTable === undefined
        ? await this.ownRows(job, parameters)
        : await this.rowsOf(destinationTable, parameters);
    const figures = { totalBytesProcessed: `${job.bytesProcessed}`, cacheHit: false };
    return jsonAnswer(200, { ...rows, ...reply, ...figures, jobComplete: true });
  }

  private async ownRows(job: Job, parameters: URLSearchParams): Promise<object> {
    const path = `/projects/${job.reference.projectId}/queries/${job.upstreamId}?${paging(parameters)}`;
    return await this.services.upstream.call<object>('GET', path);
  }

  private async rowsOf(
    { projectId, datasetId, tableId }: TableReference,
    parameters: URLSearchParams,
  ): Promise<object> {
    const { upstream } = this.services;
    const path = `/projects/${projectId}/datasets/${datasetId}/tables/${tableId}`;
    const table = await upstream.call<{ schema?: { fields: Field[] } }>('GET', path);
    const data = await upstream.call<object>('GET', `${path}/data?${paging(parameters)}`);
    return { ...data, schema: table.schema };
  }

  private list(request: ServiceRequest): Answer {
    const wanted = request.query.getAll('stateFilter').map((state) => state.toUpperCase());
    const jobs = this.jobs.list(request.project).filter((job) => wanted.length === 0 || wanted.includes(job.state));
    const resources = jobs.map((job) => ({ ...jobResource(job), state: job.state })).reverse();
    return jsonAnswer(200, { kind: 'bigquery#jobList', jobs: resources });
  }
}

async function poll(job: Job): Promise<Answer> {
  await look(job, POLL_WAIT_MS);
  return jsonAnswer(200, jobResource(job));
}

function cancel(job: Job): Answer {
  cancelJob(job);
  return jsonAnswer(200, { kind: 'bigquery#jobCancelResponse', job: jobResource(job) });
}

/** Counts as a poll; waits for the end of a job that is under way, not of one that waits for polls. */
async function look(job: Job, waitMs: number): Promise<void> {
  countPoll(job);
  if (job.pollsLeft > 0 || job.state === 'DONE') return;
  const over = new AbortController();
  await Promise.race([job.done.promise, delay(waitMs, undefined, { signal: over.signal }).catch(() => undefined)]);
  over.abort();
}

function jobBody(request: ServiceRequest): JobBody {
  if (!request.isUpload) {
    const body = parseJson(request.body) as JobBody | null;
    if (body === null) throw new ServiceError('invalid', 'the request is no JSON');
    return body;
  }
  const type = request.query.get('uploadType');
  if (type !== 'multipart')
    throw new ServiceError('notImplemented', `the proxy takes multipart uploads only, not uploadType=${type ?? ''}`);
  const [first] = bodyParts(request.contentType, request.body) ?? [];
  const body = first === undefined ? null : (parseJson(first) as JobBody | null);
  if (body === null) throw new ServiceError('invalid', 'the first part of the upload is no job');
  return body;
}

/** The parameters of a page of rows. */
function paging(parameters: URLSearchParams): string {
  const names = ['maxResults', 'pageToken', 'startIndex', 'formatOptions.useInt64Timestamp'];
  return new URLSearchParams([...parameters].filter(([name]) => names.includes(name))).toString();
}

function statusOf(reason: string): number {
  return reason in ERROR_STATUS ? ERROR_STATUS[reason as ErrorReason] : 500;
}
