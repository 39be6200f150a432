/**
 * A strict HTTP proxy in front of the emulator's REST service: it enforces what the emulator forgets, keeps its own
 * books of what was paid, and injects faults. Jobs are its own (jobs.ts): the emulator only does their work. It stands
 * for the service in tests and demonstrations; where it cannot tell what the service would do, it refuses. Under the same
 * address it is a Cloud Storage that jobs can load from (object-store.ts).
 *
 * Its own endpoints: `GET /proxy/books` (BookedJob[]), `GET /proxy/faults` (InjectedFault[]), `POST /proxy/faults`
 * (a FaultPlan).
 *
 * Not enforced: Storage Read (gRPC goes to the emulator itself, and is in no books), quotas of a day, permissions.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ServiceError, errorBody } from './errors.ts';
import type { Fault, FaultPlan, InjectedFault } from './faults.ts';
import { Faults } from './faults.ts';
import type { Answer } from './http.ts';
import { jsonAnswer, parseJson, readBody, send } from './http.ts';
import { JobRoutes } from './job-routes.ts';
import type { BookedJob } from './jobs.ts';
import { Jobs } from './jobs.ts';
import { MetadataRate } from './metadata-rate.ts';
import { answerMetadata } from './metadata-routes.ts';
import { answerObjects } from './object-routes.ts';
import { ObjectStore } from './object-store.ts';
import { requestOf } from './request.ts';
import type { ServiceRequest } from './request.ts';
import { Tables } from './tables.ts';
import { Upstream } from './upstream.ts';

export interface ProxyOptions {
  /** The emulator's REST service, `http://127.0.0.1:PORT`. */
  restUrl: string;
  /** Port of 127.0.0.1; a free one where left out. */
  port?: number;
  faults?: FaultPlan;
  /** Enforce 5 metadata updates per 10 s and table; off where left out, since tests are quicker than any user. */
  limitMetadataRate?: boolean;
}

export interface RunningProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`: the client's `apiEndpoint`. */
  url: string;
  /** Every job that was accepted, oldest first, and what it was charged. */
  books(): BookedJob[];
  /** Uploads to buckets so far: whole objects, and bytes that were taken. */
  receivedObjects(): Readonly<{ objects: number; bytes: number }>;
  /** Replaces the plan of faults. */
  planFaults(plan: FaultPlan): void;
  /** Faults injected so far, oldest first. */
  injectedFaults(): readonly InjectedFault[];
  /** Cancels what waits, waits for what runs, closes all connections. Idempotent. */
  stop(): Promise<void>;
}

interface Parts {
  upstream: Upstream;
  tables: Tables;
  rate: MetadataRate | null;
  objects: ObjectStore;
  jobs: Jobs;
  jobRoutes: JobRoutes;
  faults: Faults;
}

export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const upstream = new Upstream(options.restUrl);
  const tables = new Tables(upstream);
  const rate = options.limitMetadataRate === true ? new MetadataRate() : null;
  const jobs = new Jobs();
  const faults = new Faults();
  faults.plan(options.faults ?? {});
  const objects = new ObjectStore();
  const jobRoutes = new JobRoutes(jobs, { upstream, tables, rate, objects });
  const parts: Parts = { upstream, tables, rate, objects, jobs, jobRoutes, faults };
  const server = createServer((request, response) => void handle(parts, request, response));
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  let stopping: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await jobs.drain();
    await closed;
  };
  const stop = (): Promise<void> => (stopping ??= close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    books: () => jobs.books(),
    receivedObjects: () => ({ ...objects.received }),
    planFaults: (plan) => faults.plan(plan),
    injectedFaults: () => faults.injected,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function handle(parts: Parts, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const body = await readBody(incoming);
    const request = requestOf(incoming, body);
    if (request.path.startsWith('/proxy/')) {
      send(response, answerOwn(parts, request));
      return;
    }
    const fault = parts.faults.next(request.kind, `${request.method} ${request.path}`);
    const before = fault === null ? null : faultBefore(fault);
    const answer = before ?? (await answerOf(parts, request, fault, incoming.headers.host ?? ''));
    const sent = fault === null || before !== null ? answer : (faultAfter(fault) ?? answer);
    if (sent === 'cut') incoming.socket.destroy();
    else send(response, sent);
  } catch (error) {
    // The client has gone, or it is a bug: either way nobody is left hanging.
    if (incoming.destroyed && !incoming.complete) return;
    send(
      response,
      jsonAnswer(500, { error: { code: 500, message: `the proxy failed: ${String(error)}`, errors: [] } }),
    );
  }
}

async function answerOf(
  parts: Parts,
  request: ServiceRequest,
  fault: Fault | null,
  host: string,
): Promise<Answer | 'cut'> {
  try {
    if (request.authorization === null)
      throw new ServiceError('authError', 'Request is missing required authentication credential');
    if (request.kind === 'object') return answerObjects(parts.objects, request, host, fault);
    return (await parts.jobRoutes.answer(request, fault)) ?? (await answerMetadata(parts, request));
  } catch (error) {
    if (error instanceof ServiceError) return jsonAnswer(error.status, errorBody(error));
    throw error;
  }
}

function faultBefore(fault: Fault): Answer | 'cut' | null {
  if (fault.fault === 'expired-token') return refusal(new ServiceError('authError', 'Invalid Credentials'));
  return 'when' in fault && fault.when === 'before' ? outcomeOf(fault) : null;
}

function faultAfter(fault: Fault): Answer | 'cut' | null {
  return 'when' in fault && fault.when === 'after' ? outcomeOf(fault) : null;
}

function outcomeOf(fault: Extract<Fault, { when: string }>): Answer | 'cut' {
  if (fault.fault === 'cut') return 'cut';
  return refusal(new ServiceError(fault.reason, `${fault.reason} (injected by the proxy)`, fault.status));
}

function refusal(error: ServiceError): Answer {
  return jsonAnswer(error.status, errorBody(error));
}

function answerOwn({ jobs, faults }: Parts, request: ServiceRequest): Answer {
  const route = `${request.method} ${request.path}`;
  if (route === 'GET /proxy/books') return jsonAnswer(200, jobs.books());
  if (route === 'GET /proxy/faults') return jsonAnswer(200, faults.injected);
  if (route !== 'POST /proxy/faults') return refusal(new ServiceError('notFound', `the proxy has no ${route}`));
  const plan = parseJson(request.body);
  if (plan === null) return refusal(new ServiceError('invalid', 'the plan of faults is no JSON'));
  faults.plan(plan as FaultPlan);
  return jsonAnswer(200, {});
}
