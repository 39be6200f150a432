import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment, environment } from '../config/environment.ts';
import { ensurePythonEnvironment } from '../python/environment.ts';

const run = promisify(execFile);
const REQUIREMENTS = join(import.meta.dirname, '..', '..', 'tools', 'bigquery-emulator', 'requirements.txt');
const EXTENSION_TIMEOUT_MS = 120_000;

export interface EmulatorPython {
  /** The interpreter that has `bqemulator`. */
  python: string;
  /** The environment that it must run in: HOME holds the DuckDB extension that the emulator loads. */
  env: NodeJS.ProcessEnv;
}

let ready: Promise<EmulatorPython> | undefined;

/**
 * The Python of the BigQuery emulator, made at its first use in `<cache>/widemerge/bigquery-emulator` (about 30 s and
 * 0.6 GB; needs CPython 3.11 to 3.14 and a package index).
 */
export function ensureEmulatorPython(log?: (line: string) => void): Promise<EmulatorPython> {
  ready ??= prepare(log).catch((error: unknown) => {
    ready = undefined;
    throw error;
  });
  return ready;
}

async function prepare(log: ((line: string) => void) | undefined): Promise<EmulatorPython> {
  const folder = await ensurePythonEnvironment({
    purpose: 'the BigQuery emulator and its demo',
    requirements: REQUIREMENTS,
    cache: join(environment.cacheDir, 'widemerge', 'bigquery-emulator'),
    finish: importSpatialExtension,
    ...(log === undefined ? {} : { log }),
  });
  return { python: join(folder, 'bin', 'python'), env: pythonEnv(folder) };
}

/** The emulator loads DuckDB's spatial extension at its start, from HOME: it is unpacked there from its wheel, not downloaded. */
async function importSpatialExtension(python: string, folder: string): Promise<void> {
  await mkdir(join(folder, 'home'), { recursive: true });
  const script = "from duckdb_extensions import import_extension; import_extension('spatial')";
  await run(python, ['-s', '-c', script], { env: pythonEnv(folder), timeout: EXTENSION_TIMEOUT_MS });
}

/** The user's own HOME stays untouched; the emulator's settings (BQEMU...) and Python's do not reach it. */
function pythonEnv(folder: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(childEnvironment({ HOME: join(folder, 'home') }));
  return Object.fromEntries(inherited.filter(([name]) => !/^(PYTHON|BQEMU)/i.test(name)));
}
