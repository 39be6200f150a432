import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { bestLifetime } from '../guard/lifetime.ts';

/** Of what a step says; its errors come last. */
const KEPT_CHARACTERS = 16 * 1024;

export interface StepLimits {
  timeoutMs: number;
  signal: AbortSignal | undefined;
  /** Descriptor of the lock that it is run under: what outlives this process all the same keeps it. */
  lock: number;
}

/**
 * Runs one step of an installation in a group of its own, which is killed as a whole at the timeout, by the signal and with this
 * process: venv and pip start others, which would go on writing into a folder that the next maker removes. Throws an error that has
 * its `stderr`, and the signal's reason.
 */
export async function runStep(program: string, args: string[], { timeoutMs, signal, lock }: StepLimits): Promise<void> {
  signal?.throwIfAborted();
  // Where this process is killed itself nothing below runs any more: the kernel ends the step.
  const [command = '', ...words] = [...bestLifetime().prefix, program, ...args];
  const child = spawn(command, words, { detached: true, stdio: ['ignore', 'pipe', 'pipe', lock] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-KEPT_CHARACTERS)));
  const ended = { late: false };
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      return; // Ended already.
    }
  };
  const timer = setTimeout(() => {
    ended.late = true;
    kill();
  }, timeoutMs);
  signal?.addEventListener('abort', kill, { once: true });
  process.once('exit', kill);
  try {
    const [code, endedBy] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    signal?.throwIfAborted();
    if (code === 0) return;
    const how = ended.late
      ? `was not done after ${timeoutMs / 60_000} min`
      : `failed (${endedBy ?? `exit code ${code}`})`;
    throw Object.assign(new Error(`${program} ${args.slice(0, 3).join(' ')} ${how}`), { stderr: said });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', kill);
    process.off('exit', kill);
  }
}
