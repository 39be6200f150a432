/**
 * Times `widemerge merge` against `cat` of the same files into one plus fsync: the least work that puts these bytes
 * into one file. All alternate in one run, and what is quoted is the ratio of their medians: machines are noisy.
 *
 *   node bench/run.ts [--sizes 67x1708x177748,668x17037x17775] [--rounds 3] [--dir FOLDER] [--full]
 *
 * A size is files x columns x rows, the columns of all files together without their keys.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultMemoryBytes, machineMemoryBytes } from '../src/config/load.ts';
import { checkOutput } from './lib/check-output.ts';
import { estimatedBytes, formatShape, INCIDENT, parseShape, writeCheckpoints, type Shape } from './lib/checkpoints.ts';
import { compare } from './lib/compare.ts';
import { CAT, WIDEMERGE } from './lib/contender.ts';
import { fileSystemOf, freeBytes } from './lib/place.ts';
import { spreadOf } from './lib/statistics.ts';

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '67x1708x177748,668x17037x17775' },
    rounds: { type: 'string', default: '3' },
    full: { type: 'boolean', default: false },
    dir: { type: 'string', default: process.env['BENCH_DIR'] ?? '/var/tmp' },
  },
});
const memoryBytes = defaultMemoryBytes(machineMemoryBytes());
const work = await mkdtemp(join(values.dir, 'widemerge-bench-'));
try {
  console.log(`${work} is on ${await fileSystemOf(work)}`);
  for (const shape of values.full ? [INCIDENT] : values.sizes.split(',').map(parseShape)) await row(shape);
} finally {
  await rm(work, { recursive: true, force: true });
}

async function row(shape: Shape): Promise<void> {
  const sources = join(work, 'sources');
  if ((await freeBytes(work)) < 2 * estimatedBytes(shape)) throw new Error('no room');
  const bytes = await writeCheckpoints(sources, shape);
  console.log(`${formatShape(shape)}, ${(bytes / 1e9).toFixed(2)} GB`);
  const contenders = [CAT, ...WIDEMERGE];
  const measured = await compare({
    ...{
      contenders,
      sources,
      work,
      memoryBytes,
      rounds: Number(values.rounds),
      timeoutMs: 600_000,
      repeatBelowMs: 60_000,
    },
    check: (output, { isParquet }) => (isParquet ? checkOutput(output, shape) : Promise.resolve()),
    onRun: ({ name }, round, { wallMs, peakBytes, outcome, reason }) =>
      console.log(`${round + 1} ${name}: ${outcome} ${wallMs} ms, ${Math.round(peakBytes / 1e6)} MB ${reason ?? ''}`),
  });
  for (const [index, { name }] of contenders.entries())
    console.log(name, spreadOf(measured[index]!.map(({ wallMs }) => wallMs)));
  await rm(sources, { recursive: true });
}
