/**
 * A proxy in front of the emulator's Storage Read service. It passes HTTP/2 streams on without reading their messages (but
 * for rows before the offset of a request, which the emulator does not leave out), counts the bytes of rows, and injects faults of gRPC. The bytes are those of the messages (Arrow in protobuf): the
 * service bills the logical bytes of the read columns, which are about the same for columns of fixed width.
 */
import { once } from 'node:events';
import { connect, constants, createServer } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { offsetOf, skipRows } from './read-offset.ts';

export type ReadMethod = 'CreateReadSession' | 'ReadRows' | 'SplitReadStream';

export type ReadFault =
  /** A status of gRPC instead of an answer, before any effect: 14 is UNAVAILABLE, 16 UNAUTHENTICATED, 8 RESOURCE_EXHAUSTED. */
  | { fault: 'error'; on: ReadMethod; status: number }
  /** The stream is reset once so many bytes have been sent. */
  | { fault: 'cut'; on: ReadMethod; afterBytes: number };

/** One call of ReadRows that was passed on. */
export interface BookedRead {
  method: ReadMethod;
  /** `x-goog-request-params` as it came, e.g. `read_stream=projects/...`. */
  parameters: string;
  /** Sent to the client so far. */
  bytes: number;
}

export interface RunningReadProxy extends AsyncDisposable {
  /** On 127.0.0.1, without TLS. */
  grpcPort: number;
  books(): readonly BookedRead[];
  /** Replaces what was planned: each comes once, in the first call of its method. */
  planFaults(faults: readonly ReadFault[]): void;
  stop(): Promise<void>;
}

const { HTTP2_HEADER_PATH, NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR } = constants;
/** Headers of a connection, which HTTP/2 does not pass on. */
const OF_CONNECTION = ['connection', 'host', 'http2-settings', 'keep-alive', 'proxy-connection', 'upgrade'];

/** Starts it on a free port of 127.0.0.1. */
export async function startReadProxy(options: { grpcPort: number }): Promise<RunningReadProxy> {
  const upstream = connect(`http://127.0.0.1:${options.grpcPort}`);
  await once(upstream, 'connect');
  // A lost emulator shows as an error of each stream.
  upstream.on('error', () => undefined);
  const books: BookedRead[] = [];
  let planned: ReadFault[] = [];
  const takeFault = (method: string): ReadFault | null => {
    const index = planned.findIndex(({ on }) => on === method);
    return index < 0 ? null : planned.splice(index, 1)[0]!;
  };
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    const method = String(headers[HTTP2_HEADER_PATH]).split('/').at(-1) as ReadMethod;
    const fault = takeFault(method);
    if (fault?.fault === 'error') {
      refuse(stream, fault.status);
      return;
    }
    const parameters = String(headers['x-goog-request-params'] ?? '');
    const line: BookedRead = { method, parameters: decodeURIComponent(parameters), bytes: 0 };
    if (method === 'ReadRows') books.push(line);
    passOn(upstream, stream, headers, line, fault?.afterBytes ?? Infinity);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  let stopping: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const session of sessions) session.destroy();
    upstream.destroy();
    await closed;
  };
  const stop = (): Promise<void> => (stopping ??= close());
  return {
    grpcPort: (server.address() as AddressInfo).port,
    books: () => books,
    planFaults: (faults) => {
      planned = [...faults];
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function passOn(
  upstream: ClientHttp2Session,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  line: BookedRead,
  cutAfterBytes: number,
): void {
  const kept = Object.entries(headers).filter(([name]) => !OF_CONNECTION.includes(name));
  const request = upstream.request(Object.fromEntries(kept), { endStream: false });
  const asked: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => asked.push(chunk));
  let trailers: IncomingHttpHeaders = {};
  request.on('response', (response, flags) => {
    if (stream.destroyed) return;
    const isWhole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    stream.respond(withoutPseudo(response), { endStream: isWhole, waitForTrailers: !isWhole });
  });
  request.on('trailers', (received: IncomingHttpHeaders) => (trailers = received));
  stream.on('wantTrailers', () => stream.sendTrailers(withoutPseudo(trailers, false)));
  // The answer begins when the request is whole.
  request.once('response', () => {
    const offset = line.method === 'ReadRows' ? offsetOf(Buffer.concat(asked)) : 0;
    const answer = offset === 0 ? request : request.pipe(skipRows(offset));
    answer.on('data', (chunk: Buffer) => {
      if (stream.destroyed) return;
      line.bytes += chunk.length;
      if (line.bytes > cutAfterBytes) {
        request.close(NGHTTP2_CANCEL);
        stream.close(NGHTTP2_INTERNAL_ERROR);
      } else if (!stream.write(chunk)) {
        answer.pause();
        stream.once('drain', () => answer.resume());
      }
    });
    answer.on('end', () => {
      if (!stream.destroyed) stream.end();
    });
    answer.on('error', () => stream.close(NGHTTP2_INTERNAL_ERROR));
  });
  request.on('error', () => stream.close(NGHTTP2_INTERNAL_ERROR));
  stream.on('error', () => request.close(NGHTTP2_CANCEL));
  stream.on('aborted', () => request.close(NGHTTP2_CANCEL));
  stream.pipe(request);
}

/** The answer of a call that ends at once: its status is in the headers. */
function refuse(stream: ServerHttp2Stream, status: number): void {
  stream.on('error', () => undefined);
  const message = 'injected by the proxy';
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': `${status}`, 'grpc-message': message },
    { endStream: true },
  );
}

function withoutPseudo(headers: IncomingHttpHeaders, keepStatus = true): IncomingHttpHeaders {
  const kept = Object.entries(headers).filter(
    ([name]) => (!name.startsWith(':') || (keepStatus && name === ':status')) && !OF_CONNECTION.includes(name),
  );
  return Object.fromEntries(kept);
}
