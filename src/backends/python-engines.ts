/** The engines that are Python scripts (`engines/`), each in an environment of its own, made at its first use. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment, environment } from '../config/environment.ts';
import type { EngineCommand } from '../payloads.ts';
import {
  ensurePythonEnvironment,
  placePythonEnvironment,
  type PlacedEnvironment,
  type PythonEnvironment,
} from '../python/environment.ts';
import { MergeError } from './backend.ts';

const run = promisify(execFile);
const ENGINES_DIR = join(import.meta.dirname, '..', '..', 'engines');
const FIRST_IMPORT_MS = 5 * 60_000;

/** What each imports: tried once when its environment is made, which also compiles it for all later starts. */
const IMPORTS = {
  polars: 'import polars, polars.selectors',
  dask: 'import dask.dataframe, distributed, pandas, pyarrow.parquet',
  pandas: 'import pandas, pyarrow.parquet',
} as const;

export type PythonEngine = keyof typeof IMPORTS;
export const PYTHON_ENGINES = Object.keys(IMPORTS) as PythonEngine[];

export interface MakeOptions {
  log?: ((line: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The command of an engine, its environment made where it is missing: needs an interpreter and a package index then. Throws
 * MergeError BackendUnavailable where it cannot be made, and the signal's reason.
 */
export async function pythonEngine(engine: PythonEngine, { log, signal }: MakeOptions): Promise<EngineCommand> {
  const wanted: PythonEnvironment = {
    ...wantedBy(engine),
    finish: async (python) => {
      await run(python, ['-E', '-s', '-c', IMPORTS[engine]], {
        env: childEnvironment({}),
        timeout: FIRST_IMPORT_MS,
        ...(signal === undefined ? {} : { signal }),
      });
    },
    ...(log === undefined ? {} : { log }),
    ...(signal === undefined ? {} : { signal }),
  };
  const folder = await ensurePythonEnvironment(wanted).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw unavailable(engine, error);
  });
  // Neither the user's PYTHON* settings nor packages of his own.
  const argv = [join(folder, 'bin', 'python'), '-E', '-s', join(ENGINES_DIR, `merge_${engine}.py`), '{plan}'];
  return { argv, dir: ENGINES_DIR };
}

/** Where an engine's environment is, and whether it has been made. Throws where no Python will do. */
export const placeEngine = (engine: PythonEngine): Promise<PlacedEnvironment> =>
  placePythonEnvironment(wantedBy(engine));

const wantedBy = (engine: PythonEngine) => ({
  purpose: `merges by ${engine}`,
  requirements: join(ENGINES_DIR, `requirements-${engine}.txt`),
  cache: join(environment.cacheDir, 'widemerge', 'python', engine),
});

function unavailable(engine: PythonEngine, cause: unknown): MergeError {
  const { stderr, message } = cause as { stderr?: string; message?: string };
  const said = (stderr ?? '').split('\n').filter((line) => line.trim() !== '');
  // pip's own errors come last; a traceback's last line is the error.
  const why =
    said.findLast((line) => line.startsWith('ERROR:')) ?? said.at(-1) ?? message?.split('\n')[0] ?? String(cause);
  const text = `the Python environment of ${engine} cannot be made: ${why.trim().slice(0, 300)}; widemerge engines ${engine} tries again`;
  return new MergeError({ type: 'BackendUnavailable', message: text }, { cause });
}
