/**
 * A Python environment of exactly the packages of a requirements file with hashes, made once and kept in a cache under
 * the hash of what it is made of. It is made under another name first: what is there is whole.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INTERPRETERS = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python'];
/** 0.3 GB of wheels over a slow line. */
const INSTALL_TIMEOUT_MS = 15 * 60_000;

export interface PythonEnvironment {
  /** Who needs it, for the error: `the tests`. */
  purpose: string;
  /** Requirements file: every package with its hashes, wheels for CPython 3.11 to 3.14. */
  requirements: string;
  /** Folder that holds the environments, each in `<hash>`. */
  cache: string;
  /** Anything that has to be done once more, with the new interpreter, before it counts as made. */
  finish?: (python: string, folder: string) => Promise<void>;
  log?: (line: string) => void;
  /** Ends its making; what was made so far is removed. */
  signal?: AbortSignal;
}

export interface PlacedEnvironment {
  /** Its interpreter is `bin/python`. */
  folder: string;
  made: boolean;
  /** The interpreter that it is, or will be, made with. */
  interpreter: string;
}

/** Where the environment is, or will be. Throws where no interpreter will do, and the system's errors. */
export async function placePythonEnvironment(
  wanted: Pick<PythonEnvironment, 'purpose' | 'requirements' | 'cache'>,
): Promise<PlacedEnvironment> {
  const requirements = await readFile(wanted.requirements, 'utf8');
  const base = await findInterpreter(wanted.purpose);
  const hash = createHash('sha256').update(`${base.identity}\n${requirements}`).digest('hex').slice(0, 16);
  const folder = join(wanted.cache, hash);
  return { folder, made: existsSync(join(folder, 'bin', 'python')), interpreter: base.command };
}

/** Folder of the environment, whose interpreter is `bin/python`; made where it is missing, awaited where another process makes it. */
export async function ensurePythonEnvironment(wanted: PythonEnvironment): Promise<string> {
  const { folder, interpreter } = await placePythonEnvironment(wanted);
  const python = join(folder, 'bin', 'python');
  await mkdir(wanted.cache, { recursive: true });
  while (!existsSync(python)) {
    wanted.signal?.throwIfAborted();
    const unlock = await lock(`${folder}.lock`);
    if (unlock === null) {
      await sleep(500);
      continue;
    }
    try {
      if (!existsSync(python)) await build(interpreter, folder, wanted);
    } finally {
      await unlock();
    }
  }
  return folder;
}

/** The first interpreter that the wheels' hashes are for. */
async function findInterpreter(purpose: string): Promise<{ command: string; identity: string }> {
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
  throw new Error(`${purpose} need CPython 3.11 to 3.14 with venv on the PATH; ${which}`);
}

async function build(interpreter: string, folder: string, wanted: PythonEnvironment): Promise<void> {
  const making = await mkdtemp(`${folder}.making-`);
  try {
    wanted.log?.(`installing the Python packages of ${wanted.requirements} (once, about half a minute)`);
    await run(interpreter, ['-I', '-m', 'venv', making], { timeout: INSTALL_TIMEOUT_MS }).catch((error: unknown) => {
      const detail = (error as { stdout?: string }).stdout ?? '';
      throw new Error(
        `${interpreter} -m venv failed; where it is a package of its own, install python3-venv: ${detail}`,
      );
    });
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--require-hashes'];
    // Compiling all of it ahead takes longer than all else; what is used is compiled at its first import.
    const wheels = ['--no-deps', '--no-compile', '--only-binary=:all:', '-r', wanted.requirements];
    const python = join(making, 'bin', 'python');
    await run(python, [...pip, ...wheels], {
      timeout: INSTALL_TIMEOUT_MS,
      ...(wanted.signal === undefined ? {} : { signal: wanted.signal }),
    });
    await wanted.finish?.(python, making);
    // The interpreter finds its environment from its own path, so that the folder may be renamed; scripts in bin may not.
    await rename(making, folder);
  } catch (error) {
    wanted.signal?.throwIfAborted();
    throw error;
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
