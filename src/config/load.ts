import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { parseDocument } from 'yaml';
import type { BigqueryConfig, HealthConfig, RunConfig } from '../payloads.ts';
import { ConfigError } from './config-error.ts';
import { defaultMemoryBytes, machineMemoryBytes } from './machine-memory.ts';
import { problemLines } from './problems.ts';
import { pairMatcher } from './rules.ts';
import { bigquerySchema } from './bigquery-schema.ts';
import { healthSchema } from './health-schema.ts';
import { configSchema } from './schema.ts';
import type { CheckedConfig } from './schema.ts';

/**
 * Reads and checks a YAML configuration. Paths are relative to its own folder and come out absolute, sizes in bytes,
 * durations in milliseconds. Throws a ConfigError that names every problem.
 */
export async function loadConfig(path: string): Promise<RunConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(path, [`cannot be read (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`]);
  }
  return parseConfig(text, path);
}

/** The same for a text; `path` names it in errors, and its folder is what paths are relative to. */
export function parseConfig(text: string, path: string): RunConfig {
  const document = parseDocument(text, { prettyErrors: true });
  // The first line says what and where; the rest is an excerpt.
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0)
    throw new ConfigError(
      path,
      faults.map((fault) => fault.message.split('\n')[0]?.replace(/:$/, '') ?? fault.code),
    );
  let input: unknown;
  try {
    input = document.toJS();
  } catch (cause) {
    // An alias (`*name`) of nothing: what a pattern of names is without its quotes.
    const { message } = cause as Error;
    throw new ConfigError(path, [`${message}; a text that begins with * is written in quotes`], { cause });
  }
  const result = configSchema.safeParse(input);
  if (!result.success) throw new ConfigError(path, problemLines(result.error.issues, input));
  const config = complete(result.data, dirname(resolve(path)));
  const overlap = outputAmongPairs(config);
  if (overlap !== undefined) throw new ConfigError(path, [overlap]);
  return config;
}

function complete(checked: CheckedConfig, folder: string): RunConfig {
  const memoryBytes = checked.limits.memory ?? defaultMemoryBytes(machineMemoryBytes());
  return {
    name: checked.name,
    root: resolve(folder, checked.root),
    output: resolve(folder, checked.output),
    pairs: checked.pairs,
    key: checked.key,
    checkpoints: checked.checkpoints,
    rows: checked.rows,
    reference: checked.reference,
    ...(checked.rowGroupRows !== null && { rowGroupRows: checked.rowGroupRows }),
    backends: checked.backends,
    ...(checked.command !== undefined && { command: { argv: checked.command, dir: folder } }),
    limits: {
      memoryBytes,
      killAboveBytes: checked.limits.killAbove ?? Math.round(memoryBytes * 1.25),
      timeoutMs: checked.limits.timeout,
      stallMs: checked.limits.stall,
    },
    health: completeHealth(checked.health, folder),
    canary: checked.canary,
    verify: checked.verify,
    clean: checked.clean,
    replace: checked.replace,
    ...(checked.host !== null && { host: checked.host }),
    bigquery: completeBigquery(checked.bigquery),
    ...(checked.notify.command !== null && {
      notify: { command: commandFrom(folder, checked.notify.command), timeoutMs: checked.notify.timeout },
    }),
  };
}

function completeHealth(checked: CheckedConfig['health'], folder: string): HealthConfig {
  const { minFreeMemory, maxSwapUsed, minFreeDisk, maxLoad, command, timeout } = checked;
  return {
    minFreeMemoryBytes: minFreeMemory,
    maxSwapUsedPercent: maxSwapUsed,
    minFreeDiskBytes: minFreeDisk,
    ...(maxLoad !== null && { maxLoadPerCore: maxLoad }),
    ...(command !== null && { command: commandFrom(folder, command), commandTimeoutMs: timeout }),
  };
}

/** A program that is a path is relative to the file, as all paths are; a bare name is looked for in PATH. */
function commandFrom(folder: string, [program = '', ...args]: string[]): string[] {
  return [program.includes('/') ? resolve(folder, program) : program, ...args];
}

/** What holds without a configuration: for `widemerge health`. */
export const defaultHealth = (): HealthConfig => completeHealth(healthSchema.parse({}), '.');

/** What holds without a configuration: for estimates. */
export const defaultBigquery = (): BigqueryConfig => completeBigquery(bigquerySchema.parse({}));

const completeBigquery = ({ budget, stagingExpires, ...rest }: CheckedConfig['bigquery']): BigqueryConfig => ({
  ...rest,
  budgetDollars: budget,
  stagingExpiresMs: stagingExpires,
});

/** Merged files in a pair's own folder would be taken for its checkpoints, or the output's folder for a pair. */
function outputAmongPairs(config: RunConfig): string | undefined {
  const inside = relative(config.root, config.output);
  const folder = inside.split(sep)[0] ?? '';
  if (folder === '' || folder === '..') return undefined;
  const taken = Array.isArray(config.pairs) ? config.pairs.includes(folder) : pairMatcher(config.pairs)(folder);
  return taken ? `output: ${JSON.stringify(config.output)}; expected a folder that is not one of the pairs` : undefined;
}
