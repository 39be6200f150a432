/**
 * A Python with the writers and readers that the tests check the engine with, at pinned versions and hashes.
 * It is made once a checkout, in `.cache/python/<hash>`, under another name first: what is there is whole.
 * Run as a script it only does that (for `make setup`).
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SUPPORT = import.meta.dirname;
const CACHE = join(SUPPORT, '..', '..', '.cache', 'python');
const INTERPRETERS = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python'];
/** 0.2 GB of wheels over a slow line. */
const INSTALL_TIMEOUT_MS = 15 * 60_000;

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
  const requirements = await readFile(join(SUPPORT, 'requirements.txt'), 'utf8');
  const base = await findInterpreter();
  const hash = createHash('sha256').update(`${base.identity}\n${requirements}`).digest('hex').slice(0, 16);
  const folder = join(CACHE, hash);
  const python = join(folder, 'bin', 'python');
  await mkdir(CACHE, { recursive: true });
  while (!existsSync(python)) {
    const unlock = await lock(`${folder}.lock`);
    if (unlock === null) {
      await sleep(500);
      continue;
    }
    try {
      if (!existsSync(python)) await build(base.command, folder);
    } finally {
      await unlock();
    }
  }
  return python;
}

/** The first interpreter that the wheels' hashes are for. */
async function findInterpreter(): Promise<{ command: string; identity: string }> {
  const seen: string[] = [];
  for (const command of INTERPRETERS) {
    const probe =
      'import sys, platform; print(*sys.version_info[:2], sys.implementation.name, platform.machine(), sys.prefix)';
    const found = await run(command, ['-I', '-c', probe]).catch(() => null);
    if (found === null) continue;
    const identity = found.stdout.trim();
    const [major = 0, minor = 0] = identity.split(' ').map(Number);
    if (major === 3 && minor >= 11 && minor <= 14) return { command, identity };
    seen.push(`${command} ${major}.${minor}`);
  }
  const which = seen.length > 0 ? `found ${seen.join(', ')}` : 'found none';
  throw new Error(`the tests need CPython 3.11 to 3.14 with venv on the PATH; ${which}`);
}

async function build(interpreter: string, folder: string): Promise<void> {
  const making = await mkdtemp(`${folder}.making-`);
  try {
    await run(interpreter, ['-I', '-m', 'venv', making], { timeout: INSTALL_TIMEOUT_MS }).catch((error: unknown) => {
      const detail = (error as { stdout?: string }).stdout ?? '';
      throw new Error(
        `${interpreter} -m venv failed; where it is a package of its own, install python3-venv: ${detail}`,
      );
    });
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--require-hashes'];
    const wheels = ['--no-deps', '--only-binary=:all:', '-r', join(SUPPORT, 'requirements.txt')];
    // The interpreter finds its environment from its own path, so that the folder may be renamed; scripts in bin may not.
    await run(join(making, 'bin', 'python'), [...pip, ...wheels], { timeout: INSTALL_TIMEOUT_MS });
    await rename(making, folder);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** A lock file with its owner's pid; null where another living process has it. */
async function lock(path: string): Promise<(() => Promise<void>) | null> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return () => rm(path, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const owner = Number(await readFile(path, 'utf8').catch(() => ''));
  // An empty file is of an owner between its two calls; give it the next round.
  if (owner > 0 && !isAlive(owner)) await rm(path, { force: true });
  return null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

if (import.meta.main) console.log(await pythonPath());
