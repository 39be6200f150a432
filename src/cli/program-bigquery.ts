import type { Command } from 'commander';
import type { TidyOptions } from './bigquery-tidy.ts';
import type { DoctorOptions } from './doctor.ts';
import { textOption } from './options.ts';

/** The commands that look at what is around a run, and after it. */
export function addServiceCommands(program: Command): void {
  program
    .command('doctor')
    .description('what could go wrong here before the first run: machine, disk, server, BigQuery; what mends it')
    .argument('[config]', 'YAML file; with --bigquery: widemerge.yaml by default', textOption)
    .option('--bigquery', 'check BigQuery alone, as the configuration says; costs nothing', false)
    .option('--json', 'end with one line of JSON', false)
    .option('--verbose', 'show where an error came from')
    .action(async (config: string | undefined, options: DoctorOptions) =>
      (await import('./doctor.ts')).doctor(config, options),
    );

  program
    .command('bigquery')
    .description('what is in BigQuery')
    .command('tidy')
    .description('list what lost runs have left in the staging dataset and the bucket, and remove it')
    .argument('[config]', 'YAML file with the section bigquery', textOption)
    .option('--project <project>', 'instead of a configuration: the Google Cloud project', textOption)
    .option('--dataset <dataset>', 'instead of a configuration: the staging dataset', textOption)
    .option('--location <location>', 'instead of a configuration: of the dataset', textOption)
    .option('--bucket <bucket>', 'instead of a configuration: the bucket that tables are loaded through', textOption)
    .option('--yes', 'remove them; without it they are only listed', false)
    .option('--all', 'also those of runs that are open, or that no Temporal server can be asked about', false)
    .option('--json', 'end with one line of JSON', false)
    .option('--verbose', 'show where an error came from')
    .action(async (config: string | undefined, options: TidyOptions) =>
      (await import('./bigquery-tidy.ts')).bigqueryTidy(config, options),
    );
}
