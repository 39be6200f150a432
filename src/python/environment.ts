/**
 * A Python environment of exactly the packages of a requirements file with hashes, made once and kept in a cache under
 * the hash of what it is made of. It is made under another name first: what is there is whole.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { takeMakingLock } from './making-lock.ts';
import { runStep } from './run-step.ts';

const run = promisify(execFile);
const INTERPRETERS = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python'];
/** 0.3 GB of wheels over a slow line. */
const INSTALL_TIMEOUT_MS = 15 * 60_000;
/** Longer than all steps of somebody else's making may take. */
const WAIT_MS = 40 * 60_000;

export interface PythonEnvironment {
  /** Who needs it, for the error: `the tests`. */
  purpose: string;
  /** Requirements file: every package with its hashes, wheels for CPython 3.11 to 3.14. */
  requirements: string;
  /** Folder that holds the environments, each in `<hash>`. */
  cache: string;
  /** Anything that has to be done once more, with the new interpreter, before it counts as made. */
  finish?: (python: string, folder: string) => Promise<void>;
  /** How long somebody else's making of it is waited for; 40 minutes. */
  waitMs?: number;
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

/** Where the environment is, or will be. Throws where no interpreter will do, the cache has no absolute path, and the system's errors. */
export async function placePythonEnvironment(
  wanted: Pick<PythonEnvironment, 'purpose' | 'requirements' | 'cache'>,
): Promise<PlacedEnvironment> {
  if (!isAbsolute(wanted.cache))
    throw new Error(`the cache ${wanted.cache} is a relative path; set XDG_CACHE_HOME to an absolute one`);
  const requirements = await readFile(wanted.requirements, 'utf8');
  const base = await findInterpreter(wanted.purpose);
  const hash = createHash('sha256').update(`${base.identity}\n${requirements}`).digest('hex').slice(0, 16);
  const folder = join(wanted.cache, hash);
  return { folder, made: existsSync(join(folder, 'bin', 'python')), interpreter: base.command };
}

/**
 * Folder of the environment, whose interpreter is `bin/python`; made where it is missing, awaited where another process makes it. Throws
 * where it cannot be made or is not made in time, in one line, or an error that has the `stderr` of a step; and the signal's reason.
 */
export async function ensurePythonEnvironment(wanted: PythonEnvironment): Promise<string> {
  const { folder, interpreter, made } = await placePythonEnvironment(wanted);
  if (made) return folder;
  await mkdir(wanted.cache, { recursive: true }).catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(`the folder ${wanted.cache} cannot be made (${code}); set XDG_CACHE_HOME to another`, { cause });
  });
  const isDone = (): boolean => existsSync(join(folder, 'bin', 'python'));
  const { signal, log, waitMs = WAIT_MS } = wanted;
  await using lock = await takeMakingLock({ path: `${folder}.lock`, waitMs, signal, log, isDone });
  if (lock !== null && !isDone()) await build(interpreter, folder, wanted, lock.descriptor);
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

async function build(interpreter: string, folder: string, wanted: PythonEnvironment, lock: number): Promise<void> {
  await removeUnfinished(folder, wanted.cache);
  const limits = { timeoutMs: INSTALL_TIMEOUT_MS, signal: wanted.signal, lock };
  const making = await mkdtemp(`${folder}.making-`);
  try {
    wanted.log?.(`installing the Python packages of ${wanted.requirements} (once, about half a minute)`);
    await runStep(interpreter, ['-I', '-m', 'venv', making], limits).catch((cause: unknown) => {
      const said = ((cause as { stderr?: string }).stderr ?? String(cause)).trim().replaceAll(/\s+/g, ' ').slice(-300);
      throw new Error(
        `${interpreter} -m venv failed; where it is a package of its own, install python3-venv: ${said}`,
        {
          cause,
        },
      );
    });
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--require-hashes'];
    // Compiling all of it ahead takes longer than all else; what is used is compiled at its first import.
    const wheels = ['--no-deps', '--no-compile', '--only-binary=:all:', '-r', wanted.requirements];
    const python = join(making, 'bin', 'python');
    await runStep(python, [...pip, ...wheels], limits);
    await wanted.finish?.(python, making);
    // The interpreter finds its environment from its own path, so that the folder may be renamed; scripts in bin may not.
    await rename(making, folder);
  } catch (error) {
    wanted.signal?.throwIfAborted();
    throw error;
  } finally {
    await rm(making, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** What was left by a process that was killed while it had the lock. */
async function removeUnfinished(folder: string, cache: string): Promise<void> {
  const names = (await readdir(cache)).filter((name) => name.startsWith(`${basename(folder)}.making-`));
  await Promise.all(names.map((name) => rm(join(cache, name), { recursive: true, force: true, maxRetries: 5 })));
}
