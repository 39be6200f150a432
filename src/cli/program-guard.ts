import { CommanderError, InvalidArgumentError, type Command } from 'commander';
import { LEAST_LIMIT_BYTES } from '../config/rules.ts';
import { parseBytes } from '../config/units.ts';
import type { GuardOptions } from './guard.ts';
import { durationWithDefault, textOption } from './options.ts';

/** Wrong usage ends like every failure of the guard itself, so that it is told from the command's own codes. */
const EXIT_GUARD = 125;

export function addGuardCommand(program: Command): void {
  program
    .command('guard')
    .description('run any command under all safeguards; its output and exit code pass through')
    .usage('[options] -- COMMAND ...')
    .argument('<command...>', 'program and arguments, after --')
    .option(
      '--memory <size>',
      'hard limit of its memory, with all processes (default: 40GiB, or 80 % of a smaller machine)',
      limitOption,
    )
    .option('--kill-above <size>', 'the watcher kills above it (default: as --memory)', limitOption)
    .addOption(durationWithDefault('--timeout <duration>', 'longest time', '30m'))
    .addOption(durationWithDefault('--stall <duration>', 'longest time without progress', '10m'))
    .option('--no-lock', 'run beside a merge, or another guarded command, of this machine')
    .option('--json', 'end with the report as one line of JSON, on standard error', false)
    .option('--report <file>', 'write the report there, too, as JSON', textOption)
    .option('--verbose', 'show where an error came from')
    .addHelpText('after', EXIT_CODES)
    .exitOverride(({ exitCode, code, message }) => {
      throw new CommanderError(exitCode === 0 ? 0 : EXIT_GUARD, code, message);
    })
    .action(async (words: string[], options: GuardOptions) => (await import('./guard.ts')).guard(words, options));
}

const EXIT_CODES = `
Exit codes: 124 too long or without progress; 125 out of memory, or the guard could not do its work; 126 not executable;
  127 not found; all others are the command's own, 128 + number where a signal ended it.`;

function limitOption(text: string): number {
  // `40G` as systemd and ulimit's users write it, in binary units like there.
  const bytes = parseBytes(/^\d+(\.\d+)?[KMGT]$/.test(text) ? `${text}iB` : text);
  if (bytes === undefined) throw new InvalidArgumentError('Give a size with its unit, e.g. 4GiB.');
  if (bytes < LEAST_LIMIT_BYTES) throw new InvalidArgumentError('No program starts in less than 4MiB.');
  return bytes;
}
