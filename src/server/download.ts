import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { formatBytes } from '../config/units.ts';
import { CLI_VERSION, checkTemporalBinary } from './version.ts';

/** The answer's head must come within this: where the site is out of reach, Go is the way, and it is long enough. */
const ANSWER_TIMEOUT_MS = 5_000;
/** About 50 MB. */
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;

/** Fetches the official archive of this platform and puts its binary at `target`. */
export async function downloadTemporal(target: string, log: (line: string) => void): Promise<void> {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const url = `https://temporal.download/cli/archive/v${CLI_VERSION}?platform=${process.platform}&arch=${architecture}`;
  const answered = new AbortController();
  const timer = setTimeout(
    () => answered.abort(new Error(`no answer in ${ANSWER_TIMEOUT_MS / 1000} s`)),
    ANSWER_TIMEOUT_MS,
  );
  let response: Response;
  try {
    response = await fetch(url, {
      signal: AbortSignal.any([answered.signal, AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS)]),
    });
  } catch (error) {
    throw error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  } finally {
    clearTimeout(timer);
  }
  if (!response.ok || response.body === null) throw new Error(`the download site says ${response.status}`);
  const size = Number(response.headers.get('content-length') ?? 0);
  log(`downloading the Temporal CLI ${CLI_VERSION}${size > 0 ? ` (${formatBytes(size)})` : ''}, once`);

  const folder = dirname(target);
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(folder, '.download-'));
  try {
    const tar = spawn('tar', ['-xzf', '-', '-C', work], { stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = once(tar, 'close') as Promise<[number | null]>;
    await pipeline(Readable.fromWeb(response.body), tar.stdin);
    const [code] = await ended;
    if (code !== 0) throw new Error('the downloaded archive cannot be unpacked');
    const binary = join(work, 'temporal');
    await chmod(binary, 0o755);
    await checkTemporalBinary(binary);
    await rename(binary, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
