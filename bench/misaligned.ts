/**
 * How long a pair takes of which every file is misaligned (fewer rows, shuffled, shifted, other row groups), and its peak: anonymous memory
 * of the whole process tree, as the guard samples it. Of fewer files than a pair has the time of 668 is extrapolated, file by file.
 *
 *   node bench/misaligned.ts [--files 60] [--columns 26] [--rows 177748] [--memory 1GiB] [--verify bytes] [--rounds 1] [--dir FOLDER] [--keep]
 *
 * A file takes 26 MB, its part and its place in the output as much again: 668 files want 55 GB of disk.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createBackends } from '../src/backends/index.ts';
import { writeSamples } from '../src/cli/samples/write.ts';
import { parseBytes } from '../src/config/units.ts';
import type { VerifyMode } from '../src/contract.ts';
import type { MergeStep } from '../src/merge/job.ts';

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '60' },
    columns: { type: 'string', default: '26' },
    rows: { type: 'string', default: '177748' },
    memory: { type: 'string', default: '1GiB' },
    verify: { type: 'string', default: 'bytes' },
    rounds: { type: 'string', default: '1' },
    /** Files of an earlier call with --keep, whatever they are. */
    sources: { type: 'string' },
    dir: { type: 'string', default: tmpdir() },
    keep: { type: 'boolean', default: false },
  },
});
const FULL = 668;
const TIMEOUT_MS = 60 * 60_000;
const memoryBytes = parseBytes(values.memory)!;
const verify = values.verify as VerifyMode;
const limits = { memoryBytes, killAboveBytes: memoryBytes, timeoutMs: TIMEOUT_MS, stallMs: TIMEOUT_MS, graceMs: 5_000 };
const steps: MergeStep[] = ['discover', 'merge', ...(verify === 'none' ? [] : ['verify' as const]), 'publish'];

const work = await mkdtemp(join(values.dir, 'widemerge-bench-misaligned-'));
try {
  const dir = values.sources ?? join(work, 'P');
  if (values.sources === undefined) {
    const shape = { files: Number(values.files), columns: Number(values.columns), rows: Number(values.rows) };
    const request = { out: work, pairs: ['P'], ...shape, seed: 1, misaligned: { share: 1, pairs: null }, broken: [] };
    await writeSamples(request, () => undefined);
  }
  const files = (await readdir(dir)).filter((name) => name.endsWith('.parquet')).length;
  console.log(
    `${files} files, ${availableParallelism()} cores, ${values.memory}, verified: ${verify}, load before: ${loadavg()[0]!.toFixed(1)}`,
  );
  console.log(
    '| misaligned | in GB | out GB | s | s a file | s of 668 files | peak MiB of the tree |\n|---|---|---|---|---|---|---|',
  );
  for (let round = 0; round < Number(values.rounds); round++) {
    const out = join(work, 'out');
    await mkdir(out);
    const started = performance.now();
    const figures = await createBackends().local.merge(
      {
        steps,
        source: { dir, root: null, pattern: '*.parquet', expected: null },
        output: { path: join(out, 'merged.parquet'), replace: false },
        ...{ key: 'interval_time', rows: 'union', reference: null, engine: 'stitch', verify, memoryBytes },
      },
      { limits, machineLock: join(work, 'lock') },
    );
    const seconds = (performance.now() - started) / 1000;
    const perFile = seconds / files;
    const cells = [
      `${figures.realigned} of ${files}`,
      (figures.bytesIn / 1e9).toFixed(2),
      (figures.bytesOut / 1e9).toFixed(2),
      seconds.toFixed(1),
      perFile.toFixed(3),
      (perFile * FULL).toFixed(0),
      (figures.peakBytes / 2 ** 20).toFixed(0),
    ];
    console.log(`| ${cells.join(' | ')} |`);
    await rm(out, { recursive: true });
  }
} finally {
  if (values.keep) console.log(`kept: ${work}`);
  else await rm(work, { recursive: true });
}
