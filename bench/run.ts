/**
 * `widemerge merge` against `cat` of the same files into one plus fsync (the least work that puts these bytes into one file), and against
 * what one would write instead: time and memory, all in turn in one run, each under the same limits. What is quoted is medians and
 * ratios of one run: machines are noisy.
 *
 *   node bench/run.ts [--full] [--sizes 67x1708x177748,668x17037x17775] [--contenders cat,widemerge-bytes,polars-concat] [--rounds 3]
 *     [--memory 16GiB] [--timeout 4m] [--repeat-below 25s] [--dir FOLDER] [--results FOLDER]
 *
 * A size is files x columns x rows, the columns of all files together without their keys; --full is one real pair. Who takes longer than
 * --repeat-below is not run again. Files are written to --dir (BENCH_DIR, /var/tmp) and removed.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '../src/cli/exit.ts';
import { defaultMemoryBytes, machineMemoryBytes } from '../src/config/load.ts';
import { formatBytes } from '../src/config/units.ts';
import { checkOutput } from './lib/check-output.ts';
import { decodedBytes, formatShape, INCIDENT, parseShape, writeCheckpoints, type Shape } from './lib/checkpoints.ts';
import { compare } from './lib/compare.ts';
import { CAT, WIDEMERGE, type Contender } from './lib/contender.ts';
import { inWorkFolder, main } from './lib/main.ts';
import { machineFacts } from './lib/machine.ts';
import { bytesOption, countOption, durationOption } from './lib/options.ts';
import { PEER_IDS, peers, peerVersions } from './lib/peers.ts';
import { RESULTS, resultMarkdown, resultSvg, writeFiles, type BenchResult, type SetResult } from './lib/results.ts';
import { checkRoom } from './lib/room.ts';
import { runText } from './lib/words.ts';

const SMALL = '67x1708x177748,668x17037x17775';
interface Settings {
  shapes: Shape[];
  rounds: number;
  memoryBytes: number;
  timeoutMs: number;
  repeatBelowMs: number;
  contenders: Contender[];
  signal: AbortSignal;
}

await main(async (signal) => {
  const { values } = parseArgs({
    options: {
      full: { type: 'boolean', default: false },
      sizes: { type: 'string' },
      contenders: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      memory: { type: 'string' },
      timeout: { type: 'string' },
      'repeat-below': { type: 'string', default: '25s' },
      dir: { type: 'string', default: process.env['BENCH_DIR'] ?? '/var/tmp' },
      results: { type: 'string', default: RESULTS },
    },
  });
  const settings: Settings = {
    shapes: values.full ? [INCIDENT] : (values.sizes ?? SMALL).split(',').map(parseShape),
    rounds: countOption('--rounds', values.rounds),
    memoryBytes: bytesOption('--memory', values.memory) ?? defaultMemoryBytes(machineMemoryBytes()),
    timeoutMs: durationOption('--timeout', values.timeout ?? (values.full ? '15m' : '4m')),
    repeatBelowMs: durationOption('--repeat-below', values['repeat-below']),
    contenders: await choose(values.contenders),
    signal,
  };
  const result = await inWorkFolder(values.dir, (work) => measureAll(work, settings));
  const name = values.full ? 'full' : values.sizes === undefined ? 'small' : 'custom';
  const md = resultMarkdown(result);
  console.log(md);
  await writeFiles(values.results, name, { json: `${JSON.stringify(result, null, 1)}\n`, md, svg: resultSvg(result) });
  console.error(`written: ${join(values.results, name)}.md, .json and .svg`);
});

async function choose(wanted: string | undefined): Promise<Contender[]> {
  const own = [CAT, ...WIDEMERGE];
  const all = [...own.map(({ id }) => id), ...PEER_IDS];
  const ids = wanted?.split(',') ?? all;
  const unknown = ids.find((id) => !all.includes(id));
  if (unknown !== undefined) throw new UsageError(`--contenders ${unknown}: there are ${all.join(', ')}`);
  return [...own.filter(({ id }) => ids.includes(id)), ...(await peers(ids))];
}

async function measureAll(work: string, settings: Settings): Promise<BenchResult> {
  const { shapes, contenders, memoryBytes, timeoutMs } = settings;
  await checkRoom(work, shapes, contenders);
  const sets: SetResult[] = [];
  for (const shape of shapes) sets.push(await measureSet(work, shape, settings));
  return {
    command: ['node bench/run.ts', ...process.argv.slice(2)].join(' '),
    measuredAt: new Date().toISOString(),
    ...{ machine: await machineFacts(work), peers: await peerVersions(), memoryBytes, timeoutMs, sets },
  };
}

async function measureSet(work: string, shape: Shape, settings: Settings): Promise<SetResult> {
  const { contenders } = settings;
  const sources = join(work, 'sources');
  console.error(`writing ${formatShape(shape)}`);
  const bytesIn = await writeCheckpoints(sources, shape);
  console.error(`${formatBytes(bytesIn)} in ${shape.files} files`);
  const measured = await compare({
    ...{ ...settings, sources, work, spillBytes: decodedBytes(shape) },
    check: (output, { isParquet }) => (isParquet ? checkOutput(output, shape) : Promise.resolve()),
    onRun: ({ id }, round, run) => console.error(`${round + 1} ${id}: ${runText(run)}`),
  });
  await rm(sources, { recursive: true });
  return { shape, bytesIn, entries: contenders.map(({ id, name }, index) => ({ id, name, runs: measured[index]! })) };
}
