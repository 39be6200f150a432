/** Requests of our own by the client's credentials: for what the client has no call, or not the right one. */
import { Readable } from 'node:stream';
import type { BigQuery } from '@google-cloud/bigquery';

export interface ServiceRequest {
  url: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  headers?: Record<string, string>;
  /** JSON, or a body that is streamed; its length belongs into the headers. */
  data?: object;
  /** Answers that are no errors, besides those of success. */
  alsoFine?: number[];
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
}

export interface ServiceAnswer {
  status: number;
  headers: Headers;
  data: unknown;
}

interface HttpFailure {
  status?: number;
  response?: { status?: number; data?: unknown };
}

/** Throws the signal's reason, and what the service answers: code and reason, as the client would show it. */
export async function askService(client: BigQuery, request: ServiceRequest): Promise<ServiceAnswer> {
  const { url, method, headers = {}, data, alsoFine = [], signal, timeoutMs } = request;
  try {
    const answer = await client.authClient.request({
      ...{ url, method, retry: false },
      validateStatus: (status) => (status >= 200 && status < 300) || alsoFine.includes(status),
      ...bodyOf(headers, data),
      ...(signal && { signal }),
      ...(timeoutMs !== undefined && { timeout: timeoutMs }),
    });
    return { status: answer.status, headers: new Headers(answer.headers), data: answer.data };
  } catch (error) {
    signal?.throwIfAborted();
    throw refusalOf(error);
  }
}

/**
 * JSON goes as a stream, too: of a text the client's own library makes one that nobody listens to, and destroys it where
 * the request is aborted before it has begun, which would end the process.
 */
function bodyOf(
  headers: Record<string, string>,
  data: object | undefined,
): { headers: Record<string, string>; data?: Readable } {
  if (data === undefined) return { headers };
  if (data instanceof Readable) return { headers, data };
  const bytes = Buffer.from(JSON.stringify(data));
  return {
    headers: { ...headers, 'Content-Type': 'application/json; charset=UTF-8', 'Content-Length': `${bytes.length}` },
    data: Readable.from([bytes], { objectMode: false }),
  };
}

/** The same with a body of many parts; what goes wrong in making them is thrown as it is. */
export async function sendParts(
  client: BigQuery,
  request: Omit<ServiceRequest, 'data'>,
  parts: AsyncIterable<Buffer>,
): Promise<ServiceAnswer> {
  // The client knows of it as a broken request only.
  let failure: unknown;
  const body = Readable.from(
    (async function* () {
      try {
        yield* parts;
      } catch (error) {
        failure = error;
        throw error;
      }
    })(),
    { objectMode: false },
  );
  try {
    return await askService(client, { ...request, data: body });
  } catch (error) {
    request.signal?.throwIfAborted();
    throw failure ?? error;
  } finally {
    body.destroy();
  }
}

function refusalOf(error: unknown): unknown {
  const { status, response } = error as HttpFailure;
  const code = response?.status ?? status;
  if (code === undefined) return error;
  const body = jsonOf(response?.data) as { error?: { message?: string; errors?: { reason?: string }[] } };
  const said = body.error;
  const message = said?.message ?? (typeof body === 'string' && body !== '' ? body : `HTTP ${code}`);
  return Object.assign(new Error(message, { cause: error }), { code, errors: said?.errors ?? [] });
}

/** The service does not always say that what it sends is JSON. */
function jsonOf(data: unknown): unknown {
  if (typeof data !== 'string') return data ?? {};
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return data;
  }
}
