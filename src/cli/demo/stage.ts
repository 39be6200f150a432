import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../config/load.ts';
import { formatBytes, formatDuration } from '../../config/units.ts';
import type { RunConfig } from '../../contract.ts';
import { UsageError } from '../exit.ts';
import { pairNames } from '../samples/pairs.ts';
import { writeSamples } from '../samples/write.ts';
import { bar } from '../terminal.ts';
import type { Display } from '../terminal.ts';

/** Merged in the middle of the run, and long enough to be interrupted: half of its files have to be aligned first. */
export const MISALIGNED_PAIR = 'EURJPY';
/** Its last checkpoint is cut off, as by a full disk. */
export const BROKEN_PAIR = 'CADJPY';

const CONFIG = fileURLToPath(new URL('../../../config/demo.yaml', import.meta.url));
const SHAPE = { files: 24, columns: 25, rows: 2_000, seed: 7 };

export interface Stage {
  folder: string;
  configPath: string;
  config: RunConfig;
  pairs: string[];
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

/** Writes the samples and the configuration. */
export async function setStage(folder: string, display: Display): Promise<Stage> {
  const configPath = join(folder, 'demo.yaml');
  await copyFile(CONFIG, configPath);
  const config = await loadConfig(configPath);
  await mkdir(config.output, { recursive: true });
  const pairs = pairNames(27);
  const started = performance.now();
  const written = await writeSamples(
    {
      ...SHAPE,
      out: config.root,
      pairs,
      misaligned: { share: 0.5, pairs: [MISALIGNED_PAIR] },
      broken: [BROKEN_PAIR],
    },
    (done, total) => display.draw([`${bar(done / total, 24)} ${done}/${total} sample files`]),
  );
  const took = formatDuration(performance.now() - started);
  display.line(
    `wrote ${written.files} checkpoints of ${pairs.length} pairs to ${config.root} (${formatBytes(written.bytes)}, ${took})`,
  );
  display.line(`  ${MISALIGNED_PAIR} has files with missing rows, in another order, and with shifted times`);
  display.line(`  ${BROKEN_PAIR} has a checkpoint that is cut off in the middle`);
  return { folder, configPath, config, pairs };
}
