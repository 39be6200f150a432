import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { environment } from '../config/environment.ts';
import { ensureTemporalBinary } from '../server/ensure.ts';
import { isPortFree } from '../server/ports.ts';
import { startServer } from '../server/start.ts';
import { UsageError } from './exit.ts';
import { interruptible } from './interrupt.ts';

export interface ServerCommandOptions {
  port: number;
  uiPort: number;
  state?: string;
  fetchOnly: boolean;
}

/** `widemerge server`: the embedded server in the foreground. */
export async function server(options: ServerCommandOptions): Promise<void> {
  const binary = await ensureTemporalBinary((line) => console.log(line));
  if (options.fetchOnly) return;
  for (const [flag, port] of [
    ['--port', options.port],
    ['--ui-port', options.uiPort],
  ] as const)
    if (!(await isPortFree(port))) throw new UsageError(`port ${port} is taken; give another one: ${flag} ${port + 1}`);

  const dbFilename = resolve(options.state ?? join(environment.stateDir, 'widemerge', 'temporal.db'));
  await mkdir(dirname(dbFilename), { recursive: true });
  using interrupt = interruptible();
  const running = await startServer({
    binary,
    dbFilename,
    port: options.port,
    uiPort: options.uiPort,
    logFile: `${dbFilename}.log`,
  });
  console.log(
    `Temporal server on ${running.address}, UI on ${running.uiUrl ?? 'no port'}, state in ${dbFilename}; Ctrl-C ends it`,
  );
  const interrupted = new Promise<void>((done) =>
    interrupt.signal.addEventListener('abort', () => done(), { once: true }),
  );
  await Promise.race([interrupted, running.ended]);
  if (!interrupt.signal.aborted)
    throw new Error(`the Temporal server has ended by itself; its log is ${dbFilename}.log`);
  await running.stop();
}
