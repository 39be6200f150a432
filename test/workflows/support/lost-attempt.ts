import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const JOURNAL = fileURLToPath(new URL('../../../src/backends/journal.ts', import.meta.url));

/** An attempt whose process was killed in the middle of it: a real one, since the journal looks for it. */
export async function loseAttempt(workspace: string, round: number, backend = 'local'): Promise<void> {
  const script = `
    const { openJournal } = await import(${JSON.stringify(JOURNAL)});
    await openJournal(${JSON.stringify(workspace)}).begin('${backend}', ${round});
    process.kill(process.pid, 'SIGKILL');`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]).catch(() => undefined);
}
