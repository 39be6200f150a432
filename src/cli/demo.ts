import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { readStatus } from '../client/read-status.ts';
import { startRun } from '../client/start-run.ts';
import { runWorkflowId } from '../contract.ts';
import { ensureTemporalBinary } from '../server/ensure.ts';
import { startServer } from '../server/start.ts';
import type { RunningServer } from '../server/start.ts';
import type { Play } from './demo/play.ts';
import { DEMO_HEARTBEAT_TIMEOUT_MS } from './demo/script.ts';
import type { Stage } from './demo/stage.ts';
import { openFolder } from './demo/stage.ts';
import { WorkerProcess } from './demo/worker-process.ts';
import { followRun } from './follow.ts';
import { interruptible } from './interrupt.ts';
import { resultOf } from './run.ts';
import { openDisplay } from './terminal.ts';
import type { Display } from './terminal.ts';

export interface DemoOptions {
  keepRunning: boolean;
  fallback: boolean;
  dir?: string;
}

/** `widemerge demo`: the whole pipeline in a temporary folder, with faults on the way; ends by itself. */
export async function demo(options: DemoOptions): Promise<void> {
  if (options.fallback) await show((await import('./demo/fallback.ts')).fallback, options);
  else await show((await import('./demo/tour.ts')).tour, options);
}

async function show<S extends Stage>(play: Play<S>, options: DemoOptions): Promise<void> {
  const started = performance.now();
  using interrupt = interruptible();
  const interrupted = rejection(interrupt.signal);
  const display = openDisplay(process.stdout);
  try {
    const binary = await ensureTemporalBinary((line) => display.line(line));
    await using place = await openFolder(options.dir);
    await using stage = await Promise.race([play.setStage(place.folder, display), interrupted]);
    await using server = await startServer({
      binary,
      dbFilename: join(stage.folder, 'temporal.db'),
      logFile: join(stage.folder, 'temporal.log'),
    });
    await using worker = new WorkerProcess(stage.folder, server.address, stage.environment);
    await worker.start();
    display.line(`Temporal server on ${server.address}; its UI: ${runUrl(server, stage)}`);

    await perform(play, { stage, server, worker, display, interrupt: interrupt.signal, started });
    if (!options.keepRunning) return;
    display.line('');
    display.line(`server, UI and worker go on until Ctrl-C; the files are in ${stage.folder}`);
    display.line(`  UI: ${runUrl(server, stage)}`);
    display.line(`  TEMPORAL_ADDRESS=${server.address} npx --no-install widemerge status ${stage.config.name}`);
    await interrupted.catch(() => undefined);
  } finally {
    display.end(false);
  }
}

interface Performance<S extends Stage> {
  stage: S;
  server: RunningServer;
  worker: WorkerProcess;
  display: Display;
  interrupt: AbortSignal;
  started: number;
}

async function perform<S extends Stage>(
  play: Play<S>,
  { stage, server, worker, display, interrupt, started }: Performance<S>,
): Promise<void> {
  const { config } = stage;
  const broken = new AbortController();
  const fail = (error: unknown): void => broken.abort(error);
  const stop = AbortSignal.any([interrupt, broken.signal]);
  void server.ended.then(() => fail(new Error('the Temporal server has ended by itself')));
  const connection = await Connection.connect({ address: server.address });
  try {
    const client = new Client({ connection });
    const { handle } = await startRun(client, config, {
      tuning: { heartbeatTimeoutMs: DEMO_HEARTBEAT_TIMEOUT_MS },
    });
    const script = play.script({ client, stage, worker, display, fail });
    await followRun(client, config.name, display, stop, (status) => {
      if (worker.isDead) fail(new Error(`the worker has ended by itself; its log is ${worker.logFile}`));
      else script.watch(status);
    });
    await script.end();
    stop.throwIfAborted();
    const last = await readStatus(client, config.name);
    display.end(false);
    const seconds = (performance.now() - started) / 1000;
    for (const line of await play.closingLines({ client, stage, last, seconds })) display.line(line);
    play.checkOutcome(await resultOf(handle), stage, script);
  } finally {
    await connection.close();
  }
}

function runUrl(server: RunningServer, stage: Stage): string {
  return `${server.uiUrl ?? ''}/namespaces/default/workflows/${encodeURIComponent(runWorkflowId(stage.config.name))}`;
}

/** Rejects with the signal's reason; handled here, so that nobody has to wait for it. */
function rejection(signal: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  );
  promise.catch(() => undefined);
  return promise;
}
