/**
 * `widemerge merge` against `cat` of the same files into one plus fsync (the least work that puts these bytes into one file), and against
 * what one would write instead: time and memory, all in turn in one run, each under the same limits. What is quoted is medians and
 * ratios of one run: machines are noisy.
 *
 *   node bench/run.ts [--full] [--sizes 67x1708x177748,668x17037x17775] [--contenders cat,widemerge-bytes,polars-concat] [--rounds 3]
 *     [--misaligned 10%] [--memory 16GiB] [--timeout 4m] [--repeat-below 25s] [--dir FOLDER] [--results FOLDER] [--name NAME]
 *
 * A size is files x columns x rows, the columns of all files together without their keys; --full is one real pair. Who takes longer than
 * --repeat-below is not run again. Where files are misaligned only those run that do not trust in their order. Files are written to --dir (BENCH_DIR, /var/tmp) and removed.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '../src/cli/exit.ts';
import { INCIDENT, parseShape } from './lib/checkpoints.ts';
import { CAT, WIDEMERGE, type Contender } from './lib/contender.ts';
import { machineFacts } from './lib/machine.ts';
import { inWorkFolder, main } from './lib/main.ts';
import { measureSet, type SetResult } from './lib/measure-set.ts';
import { COMMON_OPTIONS, commonSettings, durationOption, shareOption } from './lib/options.ts';
import { PEER_IDS, peers, peerVersions } from './lib/peers.ts';
import { resultMarkdown, resultSvg, writeFiles, type BenchResult } from './lib/results.ts';
import { checkRoom } from './lib/room.ts';

const SMALL = '67x1708x177748,668x17037x17775';
await main(async (signal) => {
  const { values } = parseArgs({
    options: {
      ...COMMON_OPTIONS,
      full: { type: 'boolean', default: false },
      sizes: { type: 'string' },
      contenders: { type: 'string' },
      misaligned: { type: 'string', default: '0%' },
      'repeat-below': { type: 'string', default: '25s' },
      name: { type: 'string' },
    },
  });
  const { rounds, limits } = commonSettings(values, values.full ? '15m' : '4m', signal);
  const repeatBelowMs = durationOption('--repeat-below', values['repeat-below']);
  const shapes = values.full ? [INCIDENT] : (values.sizes ?? SMALL).split(',').map(parseShape);
  const misaligned = shareOption('--misaligned', values.misaligned);
  const contenders = (await choose(values.contenders)).filter((one) => misaligned === 0 || !one.trustsOrder);
  const result = await inWorkFolder(values.dir, async (work): Promise<BenchResult> => {
    await checkRoom(work, shapes, contenders);
    const sets: SetResult[] = [];
    for (const shape of shapes)
      sets.push(await measureSet(shape, { ...limits, work, contenders, rounds, repeatBelowMs }, misaligned));
    const { memoryBytes, timeoutMs } = limits;
    return {
      command: ['node bench/run.ts', ...process.argv.slice(2)].join(' '),
      measuredAt: new Date().toISOString(),
      ...{ machine: await machineFacts(work), peers: await peerVersions(), memoryBytes, timeoutMs, sets },
    };
  });
  const isUsual = values.sizes === undefined && misaligned === 0;
  const name = values.name ?? (!isUsual ? 'custom' : values.full ? 'full' : 'small');
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
