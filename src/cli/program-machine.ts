import { Option, type Command } from 'commander';
import type { CleanOptions } from './clean.ts';
import { textOption } from './options.ts';

/** The commands that look after the machine that merges, and its disk. */
export function addMachineCommands(program: Command): void {
  program
    .command('health')
    .description(
      'whether a pair could begin now: memory, swap, disk, load, left-over merges, clock, and your own check',
    )
    .argument(
      '[config]',
      'YAML file with the thresholds (default: the usual ones, and the disk of this folder)',
      textOption,
    )
    .option('--json', 'end with one line of JSON', false)
    .option('--verbose', 'show where an error came from')
    .action(async (config: string | undefined, options: { json: boolean }) =>
      (await import('./health.ts')).health(config, options),
    );

  program
    .command('clean')
    .description('remove the checkpoints of what is merged, verified and on disk, as a run with `clean` does')
    .argument('<run|config|dir>', 'name of a run, its configuration file, or a folder of merged files', textOption)
    .option('--pair <pair>', 'this pair only', textOption)
    .option('--dry-run', 'only say what would go', false)
    .addOption(new Option('--mode <mode>', 'default: that of the configuration').choices(['trash', 'delete']))
    .option('--json', 'end with one line of JSON', false)
    .option('--verbose', 'show where an error came from')
    .action(async (target: string, options: CleanOptions) => (await import('./clean.ts')).clean(target, options));
}
