import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { LogEntry } from '@temporalio/worker';
import { FAILURES } from '../contract.ts';
import { ApplicationFailure } from '@temporalio/common';
import { runWorkers } from '../workers/run.ts';
import { readConnectConfig, requireNamespace, unreachable } from './connect.ts';
import { interruptible } from './interrupt.ts';

export interface WorkerOptions {
  host?: string;
}

/** `widemerge worker`: runs workflows and merges until Ctrl-C, then drains. */
export async function worker({ host }: WorkerOptions): Promise<void> {
  using interrupt = interruptible();
  // The signals are this command's own: both workers are to drain, and a second Ctrl-C is to end at once.
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('WARN', writeEntry) });
  const { connectionOptions, namespace } = readConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions).catch((cause: unknown) => {
    throw unreachable(connectionOptions.address, cause);
  });
  try {
    await requireNamespace(connection, namespace);
    await runWorkers({
      connection,
      namespace: namespace ?? 'default',
      log: (line) => console.log(line),
      signal: interrupt.signal,
      ...(host !== undefined && { host }),
    });
    console.log('worker stopped');
  } finally {
    await connection.close();
  }
}

/** One line an entry; failures that were foreseen are the run's to tell at length, all others keep their stack. */
function writeEntry({ level, message, meta, timestampNanos }: LogEntry): void {
  // The worker of the merges has none on purpose.
  if (message.startsWith('No workflows registered')) return;
  const { workflowId, activityType, error } = (meta ?? {}) as Record<string, unknown>;
  const where = [workflowId, activityType].filter((part) => typeof part === 'string').join(' ');
  const foreseen = error instanceof ApplicationFailure && Object.hasOwn(FAILURES, error.type ?? '');
  const bug = foreseen && error.type === FAILURES.CommandFailed;
  const what =
    foreseen && !bug ? `${error.type ?? ''}: ${error.message}` : error instanceof Error ? error.stack : error;
  const at = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
  const parts = [where, what].filter((part) => part !== undefined && part !== '').map(String);
  console.error(`${at} ${level} ${message}${parts.length > 0 ? `: ${parts.join(': ')}` : ''}`);
}
