/**
 * A Python with the writers and readers that the tests check the engine with, at pinned versions and hashes.
 * It is made once a checkout, in `.cache/python/<hash>`.
 * Run as a script it only does that (for `make setup`).
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensurePythonEnvironment } from '../../src/python/environment.ts';

const run = promisify(execFile);
const SUPPORT = import.meta.dirname;
const CACHE = join(SUPPORT, '..', '..', '.cache', 'python');

let ready: Promise<string> | undefined;

/** Path of the interpreter; makes its environment at the first call, waits where another process is making it. */
export function pythonPath(): Promise<string> {
  ready ??= prepare();
  return ready;
}

export interface PythonOptions {
  /** Default 120 s: the longest script compares a few GB. */
  timeoutMs?: number;
  cwd?: string;
}

/** Runs a script of this folder; resolves to its standard output, rejects with its standard error. */
export async function runPython(script: string, args: string[], options: PythonOptions = {}): Promise<string> {
  const python = await pythonPath();
  try {
    const { stdout } = await run(python, ['-E', '-s', '-B', join(SUPPORT, script), ...args], {
      cwd: options.cwd,
      timeout: options.timeoutMs ?? 120_000,
      killSignal: 'SIGKILL',
      maxBuffer: 256 * 1024 * 1024,
    });
    return stdout;
  } catch (error) {
    const { stderr, stdout, killed } = error as { stderr?: string; stdout?: string; killed?: boolean };
    const why = killed === true ? 'killed after its timeout' : (stderr ?? '').trim() || (stdout ?? '').slice(-2000);
    throw new Error(`${script} ${args.join(' ').slice(0, 300)}: ${why || String(error)}`, { cause: error });
  }
}

/** The same for scripts whose output is one JSON value. */
export async function runPythonJson<T>(script: string, args: string[], options: PythonOptions = {}): Promise<T> {
  return JSON.parse(await runPython(script, args, options)) as T;
}

async function prepare(): Promise<string> {
  const requirements = join(SUPPORT, 'requirements.txt');
  return join(await ensurePythonEnvironment({ purpose: 'the tests', requirements, cache: CACHE }), 'bin', 'python');
}

if (import.meta.main) console.log(await pythonPath());
