import { refusalOf } from './errors.ts';
import type { Answer } from './http.ts';
import { parseJson } from './http.ts';

/** The emulator's REST service, behind the proxy. */
export class Upstream {
  readonly url: string;
  constructor(url: string) {
    this.url = url;
  }

  /** Passes a request on as it is; `path` has its query. */
  async forward(method: string, path: string, contentType?: string, body?: Buffer): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: contentType === undefined ? {} : { 'content-type': contentType },
      ...(body === undefined || body.length === 0 ? {} : { body: new Uint8Array(body) }),
    });
    return {
      status: response.status,
      contentType: response.headers.get('content-type') ?? 'application/json',
      body: Buffer.from(await response.arrayBuffer()),
    };
  }

  /** A JSON call of the proxy's own under /bigquery/v2; throws a ServiceError where it is refused. */
  async call<T>(method: string, path: string, value?: unknown): Promise<T> {
    const body = value === undefined ? undefined : Buffer.from(JSON.stringify(value));
    const answer = await this.forward(method, `/bigquery/v2${path}`, 'application/json', body);
    return readAnswer(answer) as T;
  }
}

/** The JSON of an answer; throws a ServiceError where it is a refusal. */
export function readAnswer(answer: Answer): unknown {
  const body = parseJson(answer.body);
  const refusal = refusalOf(answer.status, body);
  if (refusal !== null) throw refusal;
  return body;
}
