import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** An answer that has not been sent yet. */
export interface Answer {
  status: number;
  contentType: string;
  body: Buffer;
  headers?: Record<string, string>;
}

export function jsonAnswer(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json; charset=UTF-8', body: Buffer.from(JSON.stringify(value)) };
}

export function send(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, {
    ...answer.headers,
    'content-type': answer.contentType,
    'content-length': answer.body.length,
  });
  response.end(answer.body);
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The bodies of the parts of a `multipart/related` upload; null where it is none. */
export function bodyParts(contentType: string, body: Buffer): Buffer[] | null {
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (boundary === undefined) return null;
  const parts: Buffer[] = [];
  for (let at = body.indexOf(`--${boundary}\r\n`); at >= 0;) {
    const headersEnd = body.indexOf('\r\n\r\n', at);
    const end = body.indexOf(`\r\n--${boundary}`, headersEnd);
    if (headersEnd < 0 || end < 0) return null;
    parts.push(body.subarray(headersEnd + 4, end));
    at = body.indexOf(`--${boundary}\r\n`, end);
  }
  return parts;
}

/** Such an upload: of a value as JSON, and of bytes. */
export function multipart(value: unknown, bytes: Buffer): { contentType: string; body: Buffer } {
  const boundary = randomUUID();
  const part = (type: string): string => `--${boundary}\r\nContent-Type: ${type}\r\n\r\n`;
  const head = `${part('application/json; charset=UTF-8')}${JSON.stringify(value)}\r\n${part('application/octet-stream')}`;
  const body = Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  return { contentType: `multipart/related; boundary=${boundary}`, body };
}

/** The value, or null where it is no JSON. */
export function parseJson(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString()) as unknown;
  } catch {
    return null;
  }
}
