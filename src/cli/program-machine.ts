import type { Command } from 'commander';
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
}
