import { once } from 'node:events';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { ensureTemporalBinary } from '../../../src/server/ensure.ts';
import { startServer } from '../../../src/server/start.ts';
import { runWorkers, type RunWorkersOptions } from '../../../src/workers/run.ts';
import { workflowsPath } from '../../../src/workers/workflow-code.ts';

Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });

/** The embedded server with a client, one for a test file. */
export class TestTemporal {
  readonly client: Client;
  readonly connection: Connection;
  readonly native: NativeConnection;
  private readonly others: NativeConnection[] = [];
  private readonly server: Awaited<ReturnType<typeof startServer>>;

  private constructor(
    server: Awaited<ReturnType<typeof startServer>>,
    connection: Connection,
    native: NativeConnection,
  ) {
    this.server = server;
    this.connection = connection;
    this.native = native;
    this.client = new Client({ connection });
  }

  static async start(): Promise<TestTemporal> {
    const binary = await ensureTemporalBinary(() => undefined);
    const server = await startServer({ binary, dbFilename: null, uiPort: 0 });
    const connection = await Connection.connect({ address: server.address });
    const native = await NativeConnection.connect({ address: server.address });
    return new TestTemporal(server, connection, native);
  }

  /** A connection as of another process: one takes a queue's workflows once. Closed with the rest. */
  async connect(): Promise<NativeConnection> {
    const other = await NativeConnection.connect({ address: this.connection.options.address });
    this.others.push(other);
    return other;
  }

  async stop(): Promise<void> {
    await this.connection.close();
    for (const other of this.others) await other.close();
    await this.native.close();
    await this.server.stop();
  }

  /** Workers of this project over the given dependencies, on queues of their own. */
  workers(options: WorkerOptions): TestWorkers {
    return new TestWorkers(this, options);
  }
}

interface WorkerOptions {
  suffix: string;
  /** The host that it serves; none where left out. */
  host?: string;
  connection?: NativeConnection;
  dependencies: NonNullable<RunWorkersOptions['dependencies']>;
  bundle?: WorkflowBundleWithSourceMap;
}

export class TestWorkers {
  readonly log: string[] = [];
  readonly started: Promise<void>;
  private readonly abort = new AbortController();
  private readonly done: Promise<void>;

  constructor(temporal: TestTemporal, options: WorkerOptions) {
    const { promise, resolve: serving, reject: failed } = Promise.withResolvers<undefined>();
    this.started = promise;
    this.done = (async () => {
      await runWorkers({
        connection: options.connection ?? temporal.native,
        namespace: 'default',
        signal: this.abort.signal,
        taskQueueSuffix: options.suffix,
        ...(options.host !== undefined && { host: options.host }),
        shutdownGraceMs: 500,
        dependencies: options.dependencies,
        workflows: { workflowBundle: options.bundle ?? (await workflowBundle()) },
        log: (line) => {
          this.log.push(line);
          if (line.includes(' serves ')) serving(undefined);
        },
      });
    })();
    this.done.catch(failed);
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.done;
  }
}

let bundle: Promise<WorkflowBundleWithSourceMap> | undefined;

/** One run of webpack for a test file. */
export function workflowBundle(): Promise<WorkflowBundleWithSourceMap> {
  bundle ??= bundleWorkflowCode({ workflowsPath: workflowsPath(), logger: new DefaultLogger('ERROR') });
  return bundle;
}

/** Waits until the check says yes; a test runner's own timeout is the limit. */
export async function until<T>(check: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== false) return value;
    const tick = new AbortController();
    setTimeout(() => tick.abort(), 50);
    await once(tick.signal, 'abort');
  }
}
