import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { requireRunning, stopChild } from '../server/child.ts';
import { freePorts } from '../server/ports.ts';
import { ensureEmulatorPython } from './python.ts';

export interface EmulatorOptions {
  /** Default project of requests that name none. */
  project: string;
  /** The emulator's own messages are appended here; without it they are dropped. */
  logFile?: string;
  /** Told when the Python environment is made, which takes a while. */
  log?: (line: string) => void;
}

export interface RunningEmulator extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` of the REST service. It is too lax to be used directly: see proxy.ts. */
  restUrl: string;
  /** Port of the Storage Read service on 127.0.0.1: gRPC without TLS. */
  grpcPort: number;
  pid: number;
  /** Ends it (SIGTERM, then SIGKILL), waits for that, and removes its files. Idempotent. */
  stop(): Promise<void>;
}

/** It takes 2 s; the first start after an installation compiles what it imports, on a busy machine much longer. */
const START_TIMEOUT_MS = 120_000;
/** Ends with its owner, however that ends: the pipe on its standard input is closed then. */
const LAUNCH = `
import os, shutil, sys, threading
def follow_owner():
    os.read(0, 1)
    shutil.rmtree(os.environ['TMPDIR'], ignore_errors=True)
    os._exit(0)
threading.Thread(target=follow_owner, daemon=True).start()
from bqemulator.cli import main
sys.argv[0] = 'bqemulator'
main()
`;
const STOP_GRACE_MS = 5_000;
const POLL_MS = 50;

/** Starts an emulator that keeps all in memory on free ports of 127.0.0.1; resolves once both its services answer. */
export async function startEmulator(options: EmulatorOptions): Promise<RunningEmulator> {
  const { python, env } = await ensureEmulatorPython(options.log);
  // A port that was free a moment ago can be taken when the emulator comes to it.
  for (let attempt = 1; ; attempt++)
    try {
      return await startOnce(python, env, options);
    } catch (error) {
      if (attempt === 3) throw error;
    }
}

async function startOnce(python: string, env: NodeJS.ProcessEnv, options: EmulatorOptions): Promise<RunningEmulator> {
  const [restPort, grpcPort] = (await freePorts(2)) as [number, number];
  // Uploads are staged in TMPDIR: a folder of its own, so that a killed emulator leaves nothing either.
  const scratch = await mkdtemp(join(tmpdir(), 'widemerge-bqemulator-'));
  const ports = ['--rest-port', `${restPort}`, '--grpc-port', `${grpcPort}`];
  const args = ['-s', '-c', LAUNCH, 'start', ...ports, '--project', options.project, '--log-level', 'warning'];
  const log = options.logFile === undefined ? 'ignore' : openSync(options.logFile, 'a');
  const child = spawn(python, args, {
    cwd: scratch,
    detached: true,
    stdio: ['pipe', log, log],
    env: { ...env, TMPDIR: scratch, BQEMU_METRICS_ENABLED: 'false' },
  });
  if (log !== 'ignore') closeSync(log);
  await once(child, 'spawn');
  // An owner that ends in an unforeseen way takes the emulator along.
  const onExit = (): boolean => child.kill('SIGKILL');
  process.once('exit', onExit);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    await stopChild(child, ended, STOP_GRACE_MS);
    process.off('exit', onExit);
    await rm(scratch, { recursive: true, force: true });
  };
  const restUrl = `http://127.0.0.1:${restPort}`;
  try {
    await untilReady(child, `${restUrl}/bigquery/v2/projects/${options.project}/datasets`, grpcPort);
  } catch (error) {
    await stop();
    const hint = options.logFile === undefined ? '' : `; its log is ${options.logFile}`;
    throw new Error(`the BigQuery emulator did not start on ${restUrl} (${(error as Error).message})${hint}`, {
      cause: error,
    });
  }
  return { restUrl, grpcPort, pid: child.pid!, stop, [Symbol.asyncDispose]: stop };
}

async function untilReady(child: ChildProcess, url: string, grpcPort: number): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    requireRunning(child);
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      if (response.ok && (await accepts(grpcPort))) return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    if (performance.now() > deadline) throw new Error('it does not answer');
    await delay(POLL_MS);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
