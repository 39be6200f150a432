/**
 * `widemerge merge` against `cat` of the same files into one plus fsync, on file systems that can clone and on one that cannot: time, and the
 * space that the output takes of the disk. Each file system is made in an image file, mounted, and gone afterwards; that needs root, Linux,
 * and mkfs of each. Ratios of medians; all contenders in turn in one run.
 *
 *   node bench/filesystems.ts [--full] [--size 67x1708x177748] [--kinds xfs,btrfs,ext4] [--rounds 3] [--memory 16GiB] [--timeout 4m] [--dir FOLDER]
 *     [--results FOLDER]
 *
 * At the end of each the verified merge runs once more with 512 MB of memory, page cache included.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { UsageError } from '../src/cli/exit.ts';
import { mountImage, type ImageFileSystem } from '../test/support/image-mount.ts';
import { checkOutput } from './lib/check-output.ts';
import { formatShape, INCIDENT, parseShape, writeCheckpoints } from './lib/checkpoints.ts';
import { compare, type Comparison } from './lib/compare.ts';
import { CAT, WIDEMERGE } from './lib/contender.ts';
import { filesystemsMarkdown, type FilesystemResult, type FilesystemSet } from './lib/filesystems-table.ts';
import { machineFacts } from './lib/machine.ts';
import { inWorkFolder, main } from './lib/main.ts';
import { COMMON_OPTIONS, commonSettings } from './lib/options.ts';
import { freeBytes } from './lib/place.ts';
import { writeFiles } from './lib/results.ts';
import { checkRoom, neededBytes } from './lib/room.ts';
import { OURS } from './lib/summary.ts';
import { runText } from './lib/words.ts';

const run = promisify(execFile);

const KINDS = ['xfs', 'btrfs', 'ext4'] as const satisfies ImageFileSystem[];
/** Of the merge that is given little; 10^6. */
const LITTLE_BYTES = 512e6;
const CONTENDERS = [CAT, ...WIDEMERGE.filter(({ id }) => id !== 'widemerge-full')];

await main(async (signal) => {
  const { values } = parseArgs({
    options: {
      ...COMMON_OPTIONS,
      full: { type: 'boolean', default: false },
      size: { type: 'string', default: '67x1708x177748' },
      kinds: { type: 'string', default: KINDS.join() },
    },
  });
  const { rounds, limits } = commonSettings(values, '15m', signal);
  const shape = values.full ? INCIDENT : parseShape(values.size);
  const kinds = values.kinds.split(',').map((kind) => {
    const known = KINDS.find((one) => one === kind);
    if (known === undefined) throw new UsageError(`--kinds ${kind}: there are ${KINDS.join(', ')}`);
    return known;
  });
  const result = await inWorkFolder(values.dir, async (work): Promise<FilesystemResult> => {
    await checkRoom(work, [shape], CONTENDERS);
    const sets: FilesystemSet[] = [];
    for (const kind of kinds) sets.push(await measureOn(kind, work));
    return {
      command: ['node bench/filesystems.ts', ...process.argv.slice(2)].join(' '),
      ...{ measuredAt: new Date().toISOString(), machine: await machineFacts(work), sets },
    };
  });
  const name = `filesystems-${values.full ? 'full' : 'small'}`;
  const md = filesystemsMarkdown(result);
  console.log(md);
  await writeFiles(values.results, name, { json: `${JSON.stringify(result, null, 1)}\n`, md });
  console.error(`written: ${join(values.results, name)}.md and .json`);

  async function measureOn(kind: ImageFileSystem, work: string): Promise<FilesystemSet> {
    // Room for the journal and for metadata beside the files.
    await using mount = await mountImage(work, kind, Math.ceil(1.3 * neededBytes(shape, CONTENDERS)) + 2 ** 30);
    if (mount === null)
      throw new UsageError(`${kind} cannot be made and mounted here: run it as root, with mkfs.${kind} installed`);
    const sources = join(mount.path, 'sources');
    console.error(`${kind}: writing ${formatShape(shape)}`);
    const bytesIn = await writeCheckpoints(sources, shape);
    const free = await freeAfterSync(mount.path);
    const taken = new Map<string, number>();
    const comparison: Comparison = {
      ...{ ...limits, sources, work: mount.path, contenders: CONTENDERS, rounds },
      ...{ spillBytes: 0, repeatBelowMs: Infinity },
      check: async (output, { id, isParquet }) => {
        if (isParquet) await checkOutput(output, shape);
        taken.set(id, Math.max(taken.get(id) ?? 0, free - (await freeAfterSync(mount.path))));
      },
      onRun: ({ id }, round, run) => console.error(`${kind} ${round + 1} ${id}: ${runText(run)}`),
    };
    const measured = await compare(comparison);
    const verified = CONTENDERS.filter(({ id }) => id === OURS);
    const [little = []] = await compare({ ...comparison, contenders: verified, rounds: 1, memoryBytes: LITTLE_BYTES });
    const entries = CONTENDERS.map(({ id, name }, index) => ({ id, name, runs: measured[index]! }));
    entries.push({ id: `${OURS}-little`, name: 'the same with 512 MB, page cache included', runs: little });
    return { kind, shape, bytesIn, entries, takenBytes: Object.fromEntries(taken) };
  }
});

async function freeAfterSync(folder: string): Promise<number> {
  await run('sync', ['-f', folder]);
  return freeBytes(folder);
}
