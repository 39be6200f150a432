import { Command, Help, Option } from 'commander';
import { LEAST_ROW_GROUP_ROWS, MOST_ROW_GROUP_ROWS } from '../config/rules.ts';
import { BACKENDS } from '../contract.ts';
import { VERSION } from '../merge/version.ts';
import {
  commandOption,
  durationWithDefault,
  integerOption,
  KEY_HELP,
  keyOption,
  memoryOption,
  pairsListOption,
  percentOption,
  textOption,
} from './options.ts';
import { addServiceCommands } from './program-bigquery.ts';
import { addEngineCommands } from './program-engines.ts';
import { addGuardCommand } from './program-guard.ts';
import { addMachineCommands } from './program-machine.ts';
import { addPipelineCommands } from './program-pipeline.ts';
import type { MergeOptions } from './merge.ts';
import type { SampleOptions } from './sample.ts';
import type { VerifyOptions } from './verify.ts';

/** All commands and flags. Their code is loaded when they run, so that `--help` is quick. */
export function createProgram(): Command {
  const program = new Command('widemerge')
    .description('Merges many Parquet files that share a key into one very wide Parquet file, pair after pair.')
    .version(VERSION)
    .option('--verbose', 'show where an error came from')
    .configureHelp({ showGlobalOptions: false, sortSubcommands: false, optionDescription })
    .addHelpText('after', BEGINNING)
    // commander prints; main.ts decides on the exit code.
    .exitOverride();

  program
    .command('merge')
    .description('merge one folder of Parquet files into one file; needs no server')
    .argument('<dir>', 'folder of the files', textOption)
    .requiredOption('--out <file>', 'the merged file', textOption)
    .option('--key <names>', KEY_HELP, keyOption)
    .addOption(
      new Option('--rows <mode>', 'all keys, those of the reference, or those that all files have')
        .choices(['union', 'reference', 'intersection'])
        .default('union'),
    )
    .option('--reference <file>', 'name of the file whose rows count, with --rows reference (default: the first)')
    .option(
      '--row-group-rows <rows>',
      'rows of each row group but the last (default: the row groups that most bytes have)',
      integerOption(LEAST_ROW_GROUP_ROWS, MOST_ROW_GROUP_ROWS),
    )
    .option('--pattern <glob>', 'which files of the folder', '*.parquet')
    .option('--expected <files>', 'fail unless there are so many', integerOption(1, 1e9))
    .option(
      '--memory <size>',
      'the merge is killed above it (default: 40GiB, or 80 % of a smaller machine)',
      memoryOption,
    )
    .addOption(durationWithDefault('--timeout <duration>', 'longest time', '30m'))
    .addOption(durationWithDefault('--stall <duration>', 'longest time without progress', '10m'))
    .addOption(
      new Option('--engine <name>', 'what merges: docs/engines.md')
        .choices(BACKENDS.filter((backend) => backend !== 'bigquery'))
        .default('local'),
    )
    .option('--command <json>', 'with --engine command: ["program", "{plan}", "{out}"]', commandOption)
    .addOption(
      new Option('--verify <how>', 'compare checksums of the raw column chunks, or every value, or nothing')
        .choices(['bytes', 'full', 'none'])
        .default('bytes'),
    )
    .option('--replace', 'replace an output that was made of other files', false)
    .option('--json', 'end with one line of JSON', false)
    .option('--verbose', 'show where an error came from')
    .action(async (dir: string, options: MergeOptions) => (await import('./merge.ts')).merge(dir, options));

  program
    .command('verify')
    .description('read a merged file again and compare it with its manifest, and with its checkpoints')
    .argument('<file>', 'the merged file; its manifest lies beside it', textOption)
    .option('--sources [dir]', 'compare it with its checkpoints, too (default: where they were merged from)')
    .option('--full', 'every value of the checkpoints, and not the bytes of their columns', false)
    .option('--memory <size>', 'it is killed above it (default: 40GiB, or 80 % of a smaller machine)', memoryOption)
    .addOption(durationWithDefault('--timeout <duration>', 'longest time', '2h'))
    .option('--json', 'end with one line of JSON', false)
    .option('--verbose', 'show where an error came from')
    .action(async (file: string, options: VerifyOptions) => (await import('./verify.ts')).verify(file, options));

  addEngineCommands(program);

  program
    .command('sample')
    .description('write realistic checkpoints to try things with')
    .requiredOption('--out <dir>', 'folder for one folder a pair', textOption)
    .option('--pairs <number|names>', 'how many pairs, or their names (A,B,C)', pairsOption, 27)
    .option('--files <number>', 'files a pair', integerOption(1, 100_000), 24)
    .option('--columns <number>', 'columns a file, beside the key', integerOption(1, 5_000), 25)
    .option('--rows <number>', 'rows a file', integerOption(1, 100_000_000), 2_000)
    .option('--seed <number>', 'the same seed gives the same values', integerOption(0, 1e9), 1)
    .option('--misaligned <percent>', 'share of files with other rows, order or row groups', percentOption, 0)
    .option('--misaligned-pairs <names>', 'only in these pairs', pairsListOption)
    .option('--broken-pairs <names>', 'cut off the last file of these pairs', pairsListOption, [])
    .option('--json', 'end with one line of JSON', false)
    .option('--verbose', 'show where an error came from')
    .action(async (options: SampleOptions) => (await import('./sample.ts')).sample(options));

  addGuardCommand(program);
  addPipelineCommands(program);
  addMachineCommands(program);
  addServiceCommands(program);
  pointToHelp(program, 'widemerge');
  return program;
}

const BEGINNING = `
To see it at work: widemerge demo
One folder, no server: widemerge merge DIR --out FILE
Many folders: widemerge init DIR; then widemerge server and widemerge worker, each in a terminal of its own; then
  widemerge run widemerge.yaml`;

/** A wrong argument leads to the help of the command that it was given to. */
function pointToHelp(command: Command, path: string): void {
  command.showHelpAfterError(`(${path} --help says more)`);
  for (const own of command.commands) pointToHelp(own, `${path} ${own.name()}`);
}

/** That a flag is off and a list empty unless they are given goes without saying. */
function optionDescription(option: Option): string {
  const { defaultValue } = option as { defaultValue: unknown };
  const isPlain = defaultValue === false || (Array.isArray(defaultValue) && defaultValue.length === 0);
  return isPlain ? option.description : new Help().optionDescription(option);
}

function pairsOption(text: string): number | string[] {
  return /^\d+$/.test(text) ? integerOption(1, 100_000)(text) : pairsListOption(text);
}
