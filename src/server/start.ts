import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { requireRunning, stopChild } from './child.ts';
import { freePorts } from './ports.ts';

export interface ServerOptions {
  /** A Temporal command line, as ensureTemporalBinary gives it. */
  binary: string;
  /** State file, which survives restarts; null keeps the state in memory. */
  dbFilename: string | null;
  /** Ports of 127.0.0.1; where left out, free ones are taken. `uiPort: 0` leaves the Web UI out. */
  port?: number;
  uiPort?: number;
  /** Made at the start; `default` is always there. */
  namespace?: string;
  /** The server's own messages are appended here; without it they are dropped. */
  logFile?: string;
}

export interface RunningServer extends AsyncDisposable {
  /** host:port of the frontend. */
  address: string;
  uiUrl: string | null;
  pid: number;
  /** Resolves once the process has ended, for whatever reason. */
  ended: Promise<void>;
  /** Ends it (SIGTERM, then SIGKILL) and waits for that. Idempotent. */
  stop(): Promise<void>;
}

/** Starting needs 1-3 s; on a busy machine, and with a large state file, much more. */
const START_TIMEOUT_MS = 90_000;
const STOP_GRACE_MS = 10_000;
const POLL_MS = 100;

/**
 * Starts the embedded development server on 127.0.0.1, in a process group of its own (so that the terminal's Ctrl-C
 * reaches it only through its owner), and resolves once it serves the namespace.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  // A port that was free a moment ago can be taken when the server comes to it.
  for (let attempt = 1; ; attempt++)
    try {
      return await startOnce(options);
    } catch (error) {
      if (options.port !== undefined || options.uiPort !== undefined || attempt === 3) throw error;
    }
}

async function startOnce(options: ServerOptions): Promise<RunningServer> {
  const namespace = options.namespace ?? 'default';
  const [freePort, freeUiPort] = await freePorts(2);
  const port = options.port ?? freePort!;
  const uiPort = options.uiPort ?? freeUiPort!;
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', `${port}`, '--log-level', 'error'];
  // The development server looks for work 20 times a second by default: 50 ms for each of a pair's dozens of steps.
  args.push('--dynamic-config-value', 'history.transferProcessorMaxPollRPS=2000');
  args.push(...(uiPort === 0 ? ['--headless'] : ['--ui-port', `${uiPort}`, '--ui-ip', '127.0.0.1']));
  if (options.dbFilename !== null) args.push('--db-filename', options.dbFilename);
  if (namespace !== 'default') args.push('--namespace', namespace);

  const log = options.logFile === undefined ? 'ignore' : openSync(options.logFile, 'a');
  const server = spawn(options.binary, args, { detached: true, stdio: ['ignore', log, log] });
  if (log !== 'ignore') closeSync(log);
  await once(server, 'spawn');
  // An owner that ends in an unforeseen way takes the server along.
  const onExit = (): boolean => server.kill('SIGKILL');
  process.once('exit', onExit);
  const ended = new Promise<void>((resolve) =>
    server.once('close', () => {
      process.off('exit', onExit);
      resolve();
    }),
  );
  const stop = () => stopChild(server, ended, STOP_GRACE_MS);
  const address = `127.0.0.1:${port}`;
  try {
    await untilHealthy(server, address, namespace);
  } catch (error) {
    await stop();
    const hint = options.logFile === undefined ? '' : `; its log is ${options.logFile}`;
    throw new Error(`the Temporal server did not start on ${address} (${(error as Error).message})${hint}`, {
      cause: error,
    });
  }
  return {
    address,
    uiUrl: uiPort === 0 ? null : `http://127.0.0.1:${uiPort}`,
    pid: server.pid!,
    ended,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function untilHealthy(server: ChildProcess, address: string, namespace: string): Promise<void> {
  // Loaded here, so that commands that start no server do not pay for it.
  const { Connection } = await import('@temporalio/client');
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    requireRunning(server);
    try {
      const connection = await Connection.connect({ address, connectTimeout: 2_000 });
      try {
        await connection.workflowService.describeNamespace({ namespace });
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(POLL_MS);
    }
  }
}
