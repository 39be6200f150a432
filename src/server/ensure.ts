import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { environment } from '../config/environment.ts';
import { buildTemporal } from './build.ts';
import { downloadTemporal } from './download.ts';
import { CLI_VERSION, checkTemporalBinary } from './version.ts';

/**
 * The embedded Temporal server's command line, found or fetched, in this order: WIDEMERGE_TEMPORAL_BINARY, `temporal`
 * on the PATH, this project's cache, the official download, a build by Go from tools/temporal. Only the last two
 * write, and only into the cache, by an atomic rename: two at once do no harm.
 */
export async function ensureTemporalBinary(log: (line: string) => void): Promise<string> {
  const given = environment.temporalBinary;
  if (given !== undefined) {
    await checkTemporalBinary(given).catch((cause: unknown) => {
      throw new Error(`WIDEMERGE_TEMPORAL_BINARY cannot be used: ${reason(cause)}`, { cause });
    });
    return given;
  }
  const onPath = await findOnPath();
  if (onPath !== undefined) {
    try {
      await checkTemporalBinary(onPath);
      return onPath;
    } catch (error) {
      log(`passing over ${onPath}: ${reason(error)}`);
    }
  }
  const cached = cachedTemporalBinary();
  if (await isExecutable(cached)) return cached;
  try {
    await downloadTemporal(cached, log);
  } catch (error) {
    log(`the Temporal CLI cannot be downloaded here (${reason(error)})`);
    await buildTemporal(cached, log);
  }
  await checkTemporalBinary(cached);
  return cached;
}

/** Where a downloaded or built binary is kept. */
export function cachedTemporalBinary(): string {
  return join(environment.cacheDir, 'widemerge', 'temporal', CLI_VERSION, 'temporal');
}

async function findOnPath(): Promise<string | undefined> {
  for (const folder of environment.searchPath) {
    const candidate = join(folder, 'temporal');
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function reason(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? error.name) : String(error);
}
