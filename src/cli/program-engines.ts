import { Argument, Option, type Command } from 'commander';
import type { PythonEngine } from '../backends/python-engines.ts';
import { BACKENDS } from '../contract.ts';
import { columnsRangeOption } from './columns-range.ts';
import type { EnginesOptions } from './engines.ts';
import {
  commandOption,
  durationWithDefault,
  integerOption,
  KEY_HELP,
  keyOption,
  memoryOption,
  textOption,
} from './options.ts';
import type { PlanOptions } from './plan.ts';
import type { ProfileOptions } from './profile.ts';

/** The commands that say what can merge, and what it would take. */
export function addEngineCommands(program: Command): void {
  program
    .command('engines')
    .description('list what can merge here; make the Python environments of those that are named')
    .addArgument(new Argument('[names...]', 'whose environments to make').choices(['polars', 'dask', 'pandas']))
    .option('--json', 'end with one line of JSON', false)
    .option('--verbose', 'show where an error came from')
    .action(async (names: PythonEngine[], options: EnginesOptions) =>
      (await import('./engines.ts')).engines(names, options),
    );

  program
    .command('plan')
    .description(
      'what a merge would take by each engine, which would be chosen, and its cost on BigQuery; reads the footers only',
    )
    .argument('<dir|config>', 'folder of the files, or the configuration of a run', textOption)
    .option('--key <names>', `of a folder: ${KEY_HELP}`, keyOption)
    .option('--pattern <glob>', 'of a folder: which files of it (default: *.parquet)')
    .option('--json', 'end with one line of JSON', false)
    .option('--verbose', 'show where an error came from')
    .action(async (target: string, options: PlanOptions) => (await import('./plan.ts')).plan(target, options));

  program
    .command('profile')
    .description('measure the memory curve of an engine: merges growing parts of a folder, into files that are removed')
    .argument('<dir>', 'folder of the files', textOption)
    .addOption(
      new Option('--engine <name>', 'what merges: docs/engines.md')
        .choices(BACKENDS.filter((backend) => backend !== 'bigquery'))
        .makeOptionMandatory(),
    )
    .option('--command <json>', 'with --engine command: ["program", "{plan}", "{out}"]', commandOption)
    .addOption(
      new Option('--columns <range>', 'the parts, as shares of all files, whose columns they bring')
        .argParser(columnsRangeOption)
        .default({ from: 0.05, to: 1 }, '5%..100%'),
    )
    .option('--points <number>', 'how many parts', integerOption(3, 20), 6)
    .option('--key <names>', KEY_HELP, keyOption)
    .option('--pattern <glob>', 'which files of the folder', '*.parquet')
    .option(
      '--memory <size>',
      'a merge is killed above it, and ends the series (default: 40GiB, or 80 % of a smaller machine)',
      memoryOption,
    )
    .addOption(durationWithDefault('--timeout <duration>', 'longest time of a merge', '30m'))
    .option(
      '--work-dir <dir>',
      'where the merged files are written meanwhile (default: the temporary folder, or /var/tmp where that is in memory)',
      textOption,
    )
    .option('--svg <file>', 'draw the curve there', textOption)
    .option('--json', 'end with one line of JSON', false)
    .option('--verbose', 'show where an error came from')
    .action(async (dir: string, options: ProfileOptions) => (await import('./profile.ts')).profile(dir, options));
}
