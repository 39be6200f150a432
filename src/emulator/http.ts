import type { IncomingMessage, ServerResponse } from 'node:http';

/** An answer that has not been sent yet. */
export interface Answer {
  status: number;
  contentType: string;
  body: Buffer;
}

export function jsonAnswer(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json; charset=UTF-8', body: Buffer.from(JSON.stringify(value)) };
}

export function send(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, { 'content-type': answer.contentType, 'content-length': answer.body.length });
  response.end(answer.body);
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The first part of a `multipart/related` upload, which holds the job; null where the body is none. */
export function firstPart(contentType: string, body: Buffer): unknown {
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (boundary === undefined) return null;
  const start = body.indexOf(`--${boundary}`);
  const headersEnd = body.indexOf('\r\n\r\n', start);
  const end = body.indexOf(`\r\n--${boundary}`, headersEnd);
  if (start < 0 || headersEnd < 0 || end < 0) return null;
  return parseJson(body.subarray(headersEnd + 4, end));
}

/** The value, or null where it is no JSON. */
export function parseJson(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString()) as unknown;
  } catch {
    return null;
  }
}
