/**
 * Times `widemerge merge` against `cat` of the same files into one plus fsync: the least work that puts these bytes
 * into one file. Both alternate in one run, and what is quoted is the ratio of their medians: machines are noisy.
 *
 *   node bench/run.ts [--files 200] [--columns 26] [--rows 17775] [--rounds 3] [--misaligned 0] [--dir FOLDER]
 */
import { spawnSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '200' },
    columns: { type: 'string', default: '26' },
    rows: { type: 'string', default: '17775' },
    rounds: { type: 'string', default: '3' },
    misaligned: { type: 'string', default: '0' },
    dir: { type: 'string', default: tmpdir() },
  },
});

const cli = join(import.meta.dirname, '..', 'bin', 'widemerge.mjs');
const MERGES = { unverified: 'none', bytes: 'bytes', full: 'full' } as const;

interface MergeSummary {
  bytesIn: number;
  wallMs: number;
  peakRssBytes: number;
}

function widemerge(args: string[]): string {
  const result = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (result.status !== 0) throw new Error(`widemerge ${args.join(' ')}: ${result.stdout}${result.stderr}`);
  return result.stdout.trim().split('\n').at(-1) ?? '';
}

async function concatenate(dir: string, outputPath: string): Promise<number> {
  const started = performance.now();
  const output = await open(outputPath, 'w');
  try {
    for (const name of (await readdir(dir)).sort())
      for await (const chunk of createReadStream(join(dir, name), { highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>)
        await output.write(chunk);
    await output.sync();
  } finally {
    await output.close();
  }
  return performance.now() - started;
}

const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
const seconds = (ms: number): string => (ms / 1000).toFixed(2);

const work = await mkdtemp(join(values.dir, 'widemerge-bench-'));
try {
  const samples = ['--pairs', 'BENCH', '--files', values.files, '--columns', values.columns, '--rows', values.rows];
  widemerge(['sample', '--out', work, ...samples, '--misaligned', values.misaligned]);
  const dir = join(work, 'BENCH');
  const walls: Record<string, number[]> = { cat: [] };
  const peaks: Record<string, number> = {};
  let bytesIn = 0;
  for (let round = 0; round < Number(values.rounds); round++) {
    walls['cat']!.push(await concatenate(dir, join(work, 'cat')));
    await rm(join(work, 'cat'));
    for (const [name, verify] of Object.entries(MERGES)) {
      const output = join(work, `${name}.parquet`);
      const started = performance.now();
      const summary = JSON.parse(
        widemerge(['merge', dir, '--out', output, '--key', 'interval_time', '--verify', verify, '--json']),
      ) as MergeSummary;
      (walls[name] ??= []).push(performance.now() - started);
      peaks[name] = Math.max(peaks[name] ?? 0, summary.peakRssBytes);
      bytesIn = summary.bytesIn;
      await rm(output);
      await rm(`${output}.manifest.json`);
    }
  }
  const base = median(walls['cat']!);
  console.log(
    `${values.files} files x ${values.columns} columns x ${values.rows} rows, ${(bytesIn / 1e9).toFixed(2)} GB, ` +
      `${values.misaligned} % misaligned, ${values.rounds} rounds`,
  );
  console.log('| what | median s | range s | x cat + fsync | peak MB of the process tree |');
  console.log('|---|---|---|---|---|');
  for (const [name, times] of Object.entries(walls))
    console.log(
      `| ${name === 'cat' ? 'cat + fsync' : `widemerge, ${name}`} | ${seconds(median(times))} | ` +
        `${seconds(Math.min(...times))}-${seconds(Math.max(...times))} | ${(median(times) / base).toFixed(2)} | ` +
        `${peaks[name] === undefined ? '' : Math.round(peaks[name] / 1e6)} |`,
    );
} finally {
  await rm(work, { recursive: true, force: true });
}
