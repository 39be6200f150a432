/**
 * How quickly the wide file is read: 10 of its columns, by four readers, out of the file that widemerge has made and out of the same content
 * as another tool has written it. Both are in the page cache.
 *
 *   node bench/readers.ts [--size 668x17037x17775] [--writer polars-concat] [--columns 10] [--rounds 5] [--memory 16GiB] [--timeout 4m]
 *     [--dir FOLDER] [--results FOLDER]
 *
 * A size is files x columns x rows, the columns of all files together without their keys. `--writer none` reads widemerge's file alone.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '../src/cli/exit.ts';
import { parseShape, type Shape } from './lib/checkpoints.ts';
import { compare } from './lib/compare.ts';
import { WIDEMERGE, type Contender } from './lib/contender.ts';
import { machineFacts } from './lib/machine.ts';
import { inWorkFolder, main } from './lib/main.ts';
import { COMMON_OPTIONS, commonSettings, countOption, type CommonSettings } from './lib/options.ts';
import { PEER_IDS, peers, peerVersions, PYTHON_FLAGS, pythonOf } from './lib/peers.ts';
import { readersMarkdown, type ReadersResult } from './lib/readers-table.ts';
import { writeFiles } from './lib/results.ts';
import { checkRoom } from './lib/room.ts';
import { OURS } from './lib/summary.ts';
import { spreadColumns, warm, writeWideFiles, type WideFile } from './lib/wide-files.ts';
import { runText } from './lib/words.ts';

const READERS = { pyarrow: 'pandas', polars: 'polars', duckdb: 'tests', pandas: 'pandas' } as const;

interface Settings extends CommonSettings {
  shape: Shape;
  columns: number;
  writers: Contender[];
}

await main(async (signal) => {
  const { values } = parseArgs({
    options: {
      ...COMMON_OPTIONS,
      rounds: { type: 'string', default: '5' },
      size: { type: 'string', default: '668x17037x17775' },
      writer: { type: 'string', default: 'polars-concat' },
      columns: { type: 'string', default: '10' },
    },
  });
  if (!['none', ...PEER_IDS].includes(values.writer))
    throw new UsageError(`--writer ${values.writer}: there are none, ${PEER_IDS.join(', ')}`);
  const settings: Settings = {
    ...commonSettings(values, '4m', signal),
    shape: parseShape(values.size),
    columns: countOption('--columns', values.columns),
    writers: [...WIDEMERGE.filter(({ id }) => id === OURS), ...(await peers([values.writer]))],
  };
  const result = await inWorkFolder(values.dir, (work) => measureReaders(work, settings));
  const md = readersMarkdown(result);
  console.log(md);
  await writeFiles(values.results, 'readers', { json: `${JSON.stringify(result, null, 1)}\n`, md });
});

async function measureReaders(work: string, settings: Settings): Promise<ReadersResult> {
  const { shape, columns, rounds, limits, writers } = settings;
  await checkRoom(work, [shape], writers, writers.length);
  const files = await writeWideFiles(work, shape, writers, limits);
  const names = await spreadColumns(files[0]!.path, columns);
  for (const { path } of files) await warm(path);
  const pairs: { reader: string; file: string; contender: Contender }[] = [];
  for (const [reader, environment] of Object.entries(READERS)) {
    const python = await pythonOf(environment);
    for (const file of files) pairs.push({ reader, file: file.id, contender: readerOf(reader, python, file, names) });
  }
  const measured = await compare({
    ...{ ...limits, sources: work, work, rounds, spillBytes: 0, repeatBelowMs: Infinity },
    contenders: pairs.map(({ contender }) => contender),
    check: () => Promise.resolve(),
    onRun: ({ id }, round, run) => console.error(`${round + 1} ${id}: ${run.toldMs ?? '?'} ms of ${runText(run)}`),
  });
  return {
    command: ['node bench/readers.ts', ...process.argv.slice(2)].join(' '),
    measuredAt: new Date().toISOString(),
    ...{ machine: await machineFacts(work), peers: await peerVersions(), shape, columns, files },
    readings: pairs.map(({ reader, file }, index) => ({ reader, file, runs: measured[index]! })),
  };
}

function readerOf(reader: string, python: string, { id, path }: WideFile, names: string[]): Contender {
  const script = join(import.meta.dirname, 'readers', `read_${reader}.py`);
  return {
    ...{
      id: `${reader} of ${id}`,
      name: reader,
      isParquet: false,
      takesLock: false,
      spills: false,
      trustsOrder: true,
      env: {},
    },
    argv: () => [python, ...PYTHON_FLAGS, script, path, ...names],
  };
}
