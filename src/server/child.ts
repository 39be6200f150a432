import type { ChildProcess } from 'node:child_process';

/** Throws where the child has ended: what is waited for will not come. */
export function requireRunning(child: ChildProcess): void {
  if (!isRunning(child)) throw new Error(`it ended at once, ${child.signalCode ?? `exit code ${child.exitCode}`}`);
}

/** Ends the child (SIGTERM, after the grace SIGKILL) and waits for that; `ended` resolves when it has gone. Idempotent. */
export async function stopChild(child: ChildProcess, ended: Promise<void>, graceMs: number): Promise<void> {
  if (isRunning(child)) {
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(killer);
  } else await ended;
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}
