import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { readStatus } from '../client/read-status.ts';
import { startRun } from '../client/start-run.ts';
import type { RunResult } from '../contract.ts';
import { runWorkflowId } from '../contract.ts';
import { ensureTemporalBinary } from '../server/ensure.ts';
import { startServer } from '../server/start.ts';
import type { RunningServer } from '../server/start.ts';
import { closingLines, NEXT_LINES } from './demo/closing.ts';
import { DEMO_HEARTBEAT_TIMEOUT_MS, Script } from './demo/script.ts';
import { BROKEN_PAIR, openFolder, setStage } from './demo/stage.ts';
import type { Stage } from './demo/stage.ts';
import { WorkerProcess } from './demo/worker-process.ts';
import { followRun } from './follow.ts';
import { interruptible } from './interrupt.ts';
import { resultOf } from './run.ts';
import { openDisplay } from './terminal.ts';
import type { Display } from './terminal.ts';

export interface DemoOptions {
  keepRunning: boolean;
  dir?: string;
}

/** `widemerge demo`: the whole pipeline in a temporary folder, with faults on the way; ends by itself. */
export async function demo(options: DemoOptions): Promise<void> {
  const started = performance.now();
  using interrupt = interruptible();
  const interrupted = rejection(interrupt.signal);
  const display = openDisplay(process.stdout);
  try {
    const binary = await ensureTemporalBinary((line) => display.line(line));
    await using place = await openFolder(options.dir);
    const stage = await Promise.race([setStage(place.folder, display), interrupted]);
    await using server = await startServer({
      binary,
      dbFilename: join(stage.folder, 'temporal.db'),
      logFile: join(stage.folder, 'temporal.log'),
    });
    await using worker = new WorkerProcess(stage.folder, server.address);
    await worker.start();
    display.line(`Temporal server on ${server.address}; its UI: ${runUrl(server, stage)}`);

    await play(stage, server, worker, display, interrupt.signal, started);
    for (const line of NEXT_LINES) display.line(line);
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

async function play(
  stage: Stage,
  server: RunningServer,
  worker: WorkerProcess,
  display: Display,
  interrupt: AbortSignal,
  started: number,
): Promise<void> {
  const { config } = stage;
  const broken = new AbortController();
  const stop = AbortSignal.any([interrupt, broken.signal]);
  void server.ended.then(() => broken.abort(new Error('the Temporal server has ended by itself')));
  const connection = await Connection.connect({ address: server.address });
  try {
    const client = new Client({ connection });
    const { handle } = await startRun(client, config, {
      tuning: { heartbeatTimeoutMs: DEMO_HEARTBEAT_TIMEOUT_MS },
    });
    const script = new Script(client, config.name, worker, display, (error) => broken.abort(error));
    await followRun(client, config.name, display, stop, (status) => script.watch(status));
    await script.end();
    stop.throwIfAborted();
    const last = await readStatus(client, config.name);
    display.end(false);
    for (const line of closingLines(last, (performance.now() - started) / 1000)) display.line(line);
    checkOutcome(await resultOf(handle), stage, script);
  } finally {
    await connection.close();
  }
}

/** The demo says of itself when it did not show what it promises. */
function checkOutcome(result: RunResult, stage: Stage, script: Script): void {
  const aside = result.setAside.map(({ pair }) => pair).join(', ');
  if (result.merged.length !== stage.pairs.length - 1 || aside !== BROKEN_PAIR)
    throw new Error(`expected all pairs but ${BROKEN_PAIR} to be merged; set aside: ${aside || 'none'}`);
  if (!script.isOver) throw new Error('the run ended before the worker could be killed');
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
