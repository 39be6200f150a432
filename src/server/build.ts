import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnvironment, environment } from '../config/environment.ts';
import { formatDuration } from '../config/units.ts';
import { CLI_VERSION } from './version.ts';

/** Folder of the pinned go.mod and go.sum. */
const MODULE_DIR = fileURLToPath(new URL('../../tools/temporal', import.meta.url));
const SIGN_OF_LIFE_MS = 20_000;

/** Builds the Temporal CLI with Go at the pinned version and puts it at `target`. Throws where Go is missing or fails. */
export async function buildTemporal(target: string, log: (line: string) => void): Promise<void> {
  log(`building the Temporal CLI ${CLI_VERSION} with Go, once: 3 to 5 minutes on two cores`);
  const folder = dirname(target);
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(folder, '.build-'));
  const started = performance.now();
  const signOfLife = setInterval(
    () => log(`still building the Temporal CLI (${formatDuration(performance.now() - started)})`),
    SIGN_OF_LIFE_MS,
  );
  try {
    const binary = join(work, 'temporal');
    await runGo(['build', '-trimpath', '-ldflags', '-s -w', '-o', binary, 'github.com/temporalio/cli/cmd/temporal']);
    await rename(binary, target);
    log(`built in ${formatDuration(performance.now() - started)}`);
  } finally {
    clearInterval(signOfLife);
    await rm(work, { recursive: true, force: true });
  }
}

async function runGo(args: string[]): Promise<void> {
  const go = spawn('go', args, {
    cwd: MODULE_DIR,
    stdio: ['ignore', 'ignore', 'pipe'],
    // Go needs to know where home is, even where the account has none.
    env: childEnvironment({ HOME: environment.home, GOFLAGS: '-mod=readonly' }),
  });
  let tail = '';
  go.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-4000);
  });
  let code: number | null;
  try {
    [code] = (await once(go, 'close')) as [number | null];
  } catch (cause) {
    throw new Error(
      'no Temporal server: install Go >= 1.25 or the Temporal CLI (https://docs.temporal.io/cli), or set TEMPORAL_ADDRESS',
      { cause },
    );
  }
  if (code !== 0)
    throw new Error(`go build of the Temporal CLI failed: ${tail.trim().split('\n').slice(-5).join(' | ')}`);
}
