/**
 * What `widemerge plan` predicts of each engine's memory against what its guard measures, and how long each takes as a ratio to
 * `local` on the same set. The curves that are built in (src/merge/predict/built-in.ts) were fitted to it.
 *
 *   node bench/engines.ts [--sizes 30x25x5000,60x25x20000,100x25x30000] [--engines local,duckdb,polars,dask,pandas] [--misaligned 0] [--dir FOLDER]
 *
 * A size is files x columns x rows. Of files that are not aligned the plan knows nothing: with --misaligned the prediction is that of a
 * run's discovery, which reads the keys.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { createBackends } from '../src/backends/index.ts';
import type { PairPlan } from '../src/cli/pair-plan.ts';
import { writeSamples } from '../src/cli/samples/write.ts';
import { defaultMemoryBytes, machineMemoryBytes } from '../src/config/machine-memory.ts';
import type { BackendName } from '../src/contract.ts';
import type { MergeFigures } from '../src/payloads.ts';
import type { MergeJob } from '../src/merge/job.ts';
import { predictPeak } from '../src/merge/predict/peak.ts';

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '30x25x5000,60x25x20000,100x25x30000' },
    engines: { type: 'string', default: 'local,duckdb,polars,dask,pandas' },
    misaligned: { type: 'string', default: '0' },
    dir: { type: 'string', default: tmpdir() },
  },
});
const engines = values.engines.split(',') as BackendName[];
const share = Number(values.misaligned) / 100;
const memoryBytes = defaultMemoryBytes(machineMemoryBytes());
const machine = { memoryBytes, cores: availableParallelism(), host: hostname() };
const TIMEOUT_MS = 20 * 60_000;
const limits = { memoryBytes, killAboveBytes: memoryBytes, timeoutMs: TIMEOUT_MS, stallMs: TIMEOUT_MS, graceMs: 5_000 };
const backends = createBackends();
const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

const work = await mkdtemp(join(values.dir, 'widemerge-bench-engines-'));
try {
  console.log(
    `${machine.cores} cores, limit ${mib(memoryBytes)} MiB, ${values.misaligned} % of the files misaligned\n`,
  );
  console.log(
    '| files x columns x rows | engine | peak, MiB | predicted, MiB | error | time, x local |\n|---|---|---|---|---|---|',
  );
  for (const size of values.sizes.split(',')) await row(size);
} finally {
  await rm(work, { recursive: true, force: true });
}

async function row(size: string): Promise<void> {
  const [files, columns, rows] = size.split('x').map(Number) as [number, number, number];
  const set = join(work, 'sets', size);
  const request = { out: set, pairs: ['P'], files, columns, rows, seed: 1, broken: [] };
  await writeSamples({ ...request, misaligned: { share, pairs: null } }, () => undefined);
  const dir = join(set, 'P');
  const plan = planOf(dir);
  let localMs: number | null = null;
  for (const engine of engines) {
    const figures = await merge(engine, dir);
    const { peakBytes, wallMs } = figures;
    if (engine === 'local') localMs = wallMs;
    const predicted =
      share === 0 ? plan.engines.find((own) => own.engine === engine)?.peakBytes : discovered(engine, figures);
    const error = predicted ? `${((predicted / peakBytes - 1) * 100).toFixed(0)} %` : '';
    const ratio = localMs === null ? '' : (wallMs / localMs).toFixed(1);
    console.log(
      `| ${size} | ${engine} | ${mib(peakBytes)} | ${predicted ? mib(predicted) : ''} | ${error} | ${ratio} |`,
    );
  }
  await rm(set, { recursive: true });
}

/** As a person gets it, without curves that were measured here. */
function planOf(dir: string): PairPlan {
  const cli = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');
  const env = { ...process.env, XDG_STATE_HOME: work };
  const result = spawnSync(process.execPath, [cli, 'plan', dir, '--json'], { encoding: 'utf8', env });
  if (result.status !== 0) throw new Error(result.stderr);
  const { pairs } = JSON.parse(result.stdout.trim().split('\n').at(-1) ?? '') as { pairs: PairPlan[] };
  return pairs[0]!;
}

function discovered(engine: BackendName, figures: MergeFigures): number | undefined {
  return predictPeak(engine, { ...figures, rowGroups: 1, verify: 'bytes' }, machine, [])?.bytes;
}

async function merge(engine: BackendName, dir: string): Promise<MergeFigures> {
  const out = join(work, 'out');
  await mkdir(out);
  const job: MergeJob = {
    steps: ['discover', 'merge', 'verify', 'publish'],
    source: { dir, root: null, pattern: '*.parquet', expected: null },
    output: { path: join(out, 'merged.parquet'), replace: false },
    key: 'interval_time',
    rows: 'union',
    reference: null,
    engine: 'stitch',
    verify: 'bytes',
    memoryBytes,
  };
  try {
    return await backends[engine].merge(job, { limits, machineLock: join(work, 'lock') });
  } finally {
    await rm(out, { recursive: true });
  }
}
