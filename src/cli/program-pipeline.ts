import type { Command } from 'commander';
import { BACKENDS } from '../contract.ts';
import { dollarsOption, durationOption, hostOption, integerOption, keyOption, textOption } from './options.ts';
import type { BudgetOptions } from './budget.ts';
import type { DemoOptions } from './demo.ts';
import type { InitOptions } from './init.ts';
import type { RunOptions } from './run.ts';
import type { ScheduleCreateOptions } from './schedule.ts';
import type { ServerCommandOptions } from './server.ts';
import type { WorkerOptions } from './worker.ts';

const RUN = 'its name, or its configuration file';

/** The commands that speak with Temporal, as its own environment configuration says (TEMPORAL_ADDRESS, ...). */
export function addPipelineCommands(program: Command): void {
  program
    .command('init')
    .description('write a commented configuration from a folder of checkpoints')
    .argument('<dir>', 'folder with one folder of checkpoints per pair, or one such folder', textOption)
    .option('--out <file>', 'the configuration', textOption, 'widemerge.yaml')
    .option(
      '--key <names>',
      'the column that all checkpoints share, or several: a,b (default: found in their footers)',
      keyOption,
    )
    .option('--verbose', 'show where an error came from')
    .action(async (dir: string, options: InitOptions) => (await import('./init.ts')).init(dir, options));

  program
    .command('run')
    .description('start the run of a configuration, or attach to it; Ctrl-C detaches')
    .argument('<config>', 'YAML file', textOption)
    .option('--detach', 'start it and return at once', false)
    .option('--json', 'end with one line of JSON', false)
    .option('--verbose', 'show where an error came from')
    .action(async (config: string, options: RunOptions) => (await import('./run.ts')).run(config, options));

  program
    .command('worker')
    .description('run workflows and merges on this machine until Ctrl-C')
    .option('--host <name>', 'merge for the runs whose configuration names this host, and for no others', hostOption)
    .option('--verbose', 'show where an error came from')
    .action(async (options: WorkerOptions) => (await import('./worker.ts')).worker(options));

  program
    .command('server')
    .description('run the embedded Temporal server here, on 127.0.0.1, until Ctrl-C')
    .option('--port <port>', 'of the frontend', integerOption(1, 65_535), 7233)
    .option('--ui-port <port>', 'of the Web UI', integerOption(1, 65_535), 8233)
    .option('--state <file>', 'its state, which survives restarts (default: in the state folder of the account)')
    .option('--fetch-only', 'only find, download or build it', false)
    .option('--verbose', 'show where an error came from')
    .action(async (options: ServerCommandOptions) => (await import('./server.ts')).server(options));

  addMessages(program);
  addSchedules(program);

  program
    .command('budget')
    .description('what BigQuery has cost this month and may still cost; raises it, frees what was left reserved')
    .argument(
      '[project|config]',
      'a Google Cloud project, or a configuration that names one (default: all)',
      textOption,
    )
    .option('--raise <dollars>', "the new budget of this month, and of this month's runs that have less", dollarsOption)
    .option('--run <run>', 'with --raise: the budget of this run only', textOption)
    .option('--lower', 'with --raise: a lower budget than the present one is meant', false)
    .option('--release <run>', 'free what a run that has ended has left reserved (as listed here)', textOption)
    .option('--json', 'as one line of JSON, in nano-dollars', false)
    .option('--verbose', 'show where an error came from')
    .action(async (project: string | undefined, options: BudgetOptions) =>
      (await import('./budget.ts')).budget(project, options),
    );

  program
    .command('demo')
    .description('watch 27 pairs being merged in a temporary folder, with faults on the way')
    .option('--fallback', 'pairs that run out of memory finish on BigQuery (an emulator), within a budget', false)
    .option('--keep-running', 'leave server, UI and worker running until Ctrl-C', false)
    .option('--dir <dir>', 'a new folder to work in, which is kept')
    .option('--verbose', 'show where an error came from')
    .action(async (options: DemoOptions) => (await import('./demo.ts')).demo(options));
}

function addMessages(program: Command): void {
  program
    .command('status')
    .description('how a run is doing')
    .argument('<run>', RUN, textOption)
    .option('--json', 'as one line of JSON', false)
    .option('--verbose', 'show where an error came from')
    .action(async (name: string, options: { json: boolean }) => (await import('./status.ts')).status(name, options));

  program
    .command('pause')
    .description('pause a run; it stays paused until it is resumed, whatever restarts')
    .argument('<run>', RUN, textOption)
    .option('--now', 'stop the running step, too', false)
    .option('--verbose', 'show where an error came from')
    .action(async (name: string, options: { now: boolean }) => (await import('./signals.ts')).pause(name, options));

  program
    .command('resume')
    .description('let a paused run go on')
    .argument('<run>', RUN, textOption)
    .option('--verbose', 'show where an error came from')
    .action(async (name: string) => (await import('./signals.ts')).resume(name));

  program
    .command('approve')
    .description('let the other pairs of a run begin, once its first one has been measured')
    .argument('<run>', RUN, textOption)
    .option('--verbose', 'show where an error came from')
    .action(async (name: string) => (await import('./signals.ts')).approve(name));

  program
    .command('pivot')
    .description('change the backend of a pair, or of all pairs to come')
    .argument('<run>', RUN, textOption)
    .argument('<backend>', BACKENDS.join(', '))
    .option('--pair <pair>', 'this pair only', textOption)
    .option('--now', 'stop the running step and go on with the new backend at once', false)
    .option('--verbose', 'show where an error came from')
    .action(async (name: string, backend: string, options: { pair?: string; now: boolean }) =>
      (await import('./signals.ts')).pivot(name, backend, options),
    );

  program
    .command('skip')
    .description('leave a pair out')
    .argument('<run>', RUN, textOption)
    .argument('<pair>', 'e.g. EURUSD', textOption)
    .option('--verbose', 'show where an error came from')
    .action(async (name: string, pair: string) => (await import('./signals.ts')).skip(name, pair));

  program
    .command('retry')
    .description('try a pair again that was set aside or skipped, also after the run has ended')
    .argument('<run>', RUN, textOption)
    .argument('<pair>', 'e.g. EURUSD', textOption)
    .option('--verbose', 'show where an error came from')
    .action(async (name: string, pair: string) => (await import('./signals.ts')).retry(name, pair));

  program
    .command('cancel')
    .description('end a run; what is on disk stays')
    .argument('<run>', RUN, textOption)
    .option('--verbose', 'show where an error came from')
    .action(async (name: string) => (await import('./signals.ts')).cancel(name));
}

function addSchedules(program: Command): void {
  const schedule = program.command('schedule').description('start a run at set times');
  schedule
    .command('create')
    .description('schedule the run of a configuration')
    .argument('<config>', 'YAML file; it is embedded in the schedule', textOption)
    .option('--cron <expression...>', "e.g. '0 3 * * *'")
    .option('--every <duration>', 'e.g. 12h', durationOption)
    .option('--timezone <name>', 'of --cron, e.g. Europe/Berlin (default: UTC)')
    .option('--paused', 'create it paused: no starts until it is resumed', false)
    .option('--verbose', 'show where an error came from')
    .action(async (config: string, options: ScheduleCreateOptions) =>
      (await import('./schedule.ts')).createSchedule(config, options),
    );
  schedule
    .command('list')
    .description('all schedules')
    .option('--json', 'as one line of JSON', false)
    .option('--verbose', 'show where an error came from')
    .action(async (options: { json: boolean }) => (await import('./schedule.ts')).listSchedules(options));
  for (const [action, description] of [
    ['pause', 'no starts of a run until it is resumed'],
    ['resume', 'let a paused schedule start its run again'],
    ['trigger', 'start the run of a schedule now, unless it is on'],
    ['delete', 'forget a schedule; a run that it started goes on'],
  ] as const)
    schedule
      .command(action)
      .description(description)
      .argument('<run>', RUN, textOption)
      .option('--verbose', 'show where an error came from')
      .action(async (name: string) => (await import('./schedule.ts')).actOnSchedule(action, name));
}
