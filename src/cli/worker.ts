import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { runWorkers } from '../workers/run.ts';
import { readConnectConfig, unreachable } from './connect.ts';
import { interruptible } from './interrupt.ts';

/** `widemerge worker`: runs workflows and merges until Ctrl-C, then drains. */
export async function worker(): Promise<void> {
  using interrupt = interruptible();
  // The signals are this command's own: both workers are to drain, and a second Ctrl-C is to end at once.
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('WARN') });
  const { connectionOptions, namespace } = readConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions).catch((cause: unknown) => {
    throw unreachable(connectionOptions.address, cause);
  });
  try {
    await runWorkers({
      connection,
      namespace: namespace ?? 'default',
      log: (line) => console.log(line),
      signal: interrupt.signal,
    });
    console.log('worker stopped');
  } finally {
    await connection.close();
  }
}
