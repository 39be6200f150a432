import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { packagedConfig } from '../package-files.ts';
import { loadConfig } from '../../config/load.ts';
import { formatBytes, formatDuration } from '../../config/units.ts';
import type { RunConfig } from '../../payloads.ts';
import { UsageError } from '../exit.ts';
import type { SampleRequest } from '../samples/write.ts';
import { writeSamples } from '../samples/write.ts';
import { bar } from '../terminal.ts';
import type { Display } from '../terminal.ts';

export interface Stage extends AsyncDisposable {
  folder: string;
  config: RunConfig;
  pairs: string[];
  /** Of the worker, beside Temporal's address. */
  environment: Record<string, string>;
}

/** The folder of a demo; a temporary one is removed at the end. */
export async function openFolder(dir: string | undefined): Promise<{ folder: string } & AsyncDisposable> {
  if (dir === undefined) {
    const folder = await mkdtemp(join(tmpdir(), 'widemerge-demo-'));
    // A merge that was just cut off may still write a last file.
    const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    return { folder, [Symbol.asyncDispose]: remove };
  }
  const folder = resolve(dir);
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) throw new UsageError(`${folder} is not empty; name a new folder`);
  return { folder, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** Copies a configuration of the project's own into the folder, and makes the folder of its output. */
export async function placeConfig(name: string, folder: string): Promise<RunConfig> {
  const path = join(folder, name);
  await copyFile(packagedConfig(name), path);
  const config = await loadConfig(path);
  await mkdir(config.output, { recursive: true });
  return config;
}

/** Writes samples into the folder of the pairs, with a bar on the display; says what was written. */
export async function writeStageSamples(
  root: string,
  display: Display,
  requests: Omit<SampleRequest, 'out'>[],
): Promise<void> {
  const started = performance.now();
  const total = requests.reduce((sum, { pairs, files }) => sum + pairs.length * files, 0);
  let files = 0;
  let bytes = 0;
  for (const request of requests) {
    const before = files;
    const written = await writeSamples({ ...request, out: root }, (done) =>
      display.draw([`${bar((before + done) / total, 24)} ${before + done}/${total} sample files`]),
    );
    files += written.files;
    bytes += written.bytes;
  }
  const pairs = requests.reduce((sum, own) => sum + own.pairs.length, 0);
  const took = formatDuration(performance.now() - started);
  display.line(`wrote ${files} checkpoints of ${pairs} pairs to ${root} (${formatBytes(bytes)}, ${took})`);
}
