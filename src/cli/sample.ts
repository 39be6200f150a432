import { resolve } from 'node:path';
import { formatBytes, formatDuration } from '../config/units.ts';
import { UsageError } from './exit.ts';
import { pairNames } from './samples/pairs.ts';
import { SampleFolderInUse, writeSamples } from './samples/write.ts';
import { bar, openDisplay } from './terminal.ts';

export interface SampleOptions {
  out: string;
  /** A number of pairs, or their names. */
  pairs: number | string[];
  files: number;
  columns: number;
  rows: number;
  seed: number;
  misaligned: number;
  misalignedPairs?: string[];
  brokenPairs: string[];
  json: boolean;
}

/** `widemerge sample --out DIR`: realistic checkpoints to try things with. */
export async function sample(options: SampleOptions): Promise<void> {
  const started = performance.now();
  const pairs = typeof options.pairs === 'number' ? pairNames(options.pairs) : options.pairs;
  for (const pair of [...(options.misalignedPairs ?? []), ...options.brokenPairs])
    if (!pairs.includes(pair)) throw new UsageError(`${pair} is not one of the pairs: ${pairs.join(', ')}`);
  const display = openDisplay(process.stderr);
  const { files, columns, rows, seed } = options;
  const out = resolve(options.out);
  try {
    const written = await writeSamples(
      {
        ...{ out, pairs, files, columns, rows, seed },
        misaligned: { share: options.misaligned, pairs: options.misalignedPairs ?? null },
        broken: options.brokenPairs,
      },
      (done, total) => display.draw([`${bar(done / total, 24)} ${done}/${total} files`]),
    );
    display.end(false);
    const wallMs = performance.now() - started;
    const shape = `${pairs.length} pair${pairs.length === 1 ? '' : 's'} x ${files} files x ${columns} columns x ${rows} rows`;
    console.log(`wrote ${shape} (${formatBytes(written.bytes)}) to ${out} in ${formatDuration(wallMs)}`);
    if (options.json) console.log(JSON.stringify({ out, pairs, ...written, wallMs: Math.round(wallMs) }));
  } catch (error) {
    if (error instanceof SampleFolderInUse) throw new UsageError(error.message, { cause: error });
    throw error;
  } finally {
    display.end(false);
  }
}
