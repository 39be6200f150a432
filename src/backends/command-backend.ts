import { access, constants, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { environment } from '../config/environment.ts';
import type { EngineCommand } from '../payloads.ts';
import type { CommandEngine, MergeJob } from '../merge/job.ts';
import { withParent } from '../guard/lifetime.ts';
import { MergeError, type Backend, type MergeContext } from './backend.ts';
import { processBackend } from './process-backend.ts';

/** A backend whose engine is a program of its own. `commandOf` gives it ready to run, before the guarded merge begins. */
export function commandBackend(
  name: CommandEngine,
  commandOf: (job: MergeJob, context: MergeContext) => Promise<EngineCommand>,
): Backend {
  const inProcess = processBackend(name, name);
  return {
    name,
    merge: async (job, context) => {
      const command = await runnable(await commandOf(job, context));
      return inProcess.merge({ ...job, command }, context);
    },
  };
}

/** The operator's own command. Throws ConfigInvalid where there is none. */
export function ownCommand({ command }: MergeJob): Promise<EngineCommand> {
  if (command !== undefined) return Promise.resolve(command);
  const message =
    'backend command: no `command` is configured; name it, e.g. command: [python3, my_merge.py, "{plan}", "{out}"]';
  return Promise.reject(new MergeError({ type: 'ConfigInvalid', message }));
}

/**
 * The command with its program's full path, run so that the kernel kills it when the merge process dies, where this machine
 * has `setpriv`. Throws BackendUnavailable where its program or folder cannot be had here.
 */
async function runnable({ argv, dir }: EngineCommand): Promise<NonNullable<MergeJob['command']>> {
  const [program = '', ...args] = argv;
  if (!(await stat(dir).catch(() => null))?.isDirectory())
    throw unavailable(`the folder ${dir}, in which it is to run, is not there`);
  const path = program.includes('/') ? resolve(dir, program) : await findOnPath(program);
  if (path === null) throw unavailable(`${program} is not on the PATH`);
  if (!(await stat(path).catch(() => null))?.isFile()) throw unavailable(`${path} is not there, or no file`);
  if (!(await isExecutable(path))) throw unavailable(`${path} is not executable (chmod +x)`);
  return { argv: [path, ...args], dir, under: withParent() };
}

async function findOnPath(program: string): Promise<string | null> {
  for (const folder of environment.searchPath.filter((entry) => isAbsolute(entry))) {
    const path = join(folder, program);
    if ((await stat(path).catch(() => null))?.isFile() === true && (await isExecutable(path))) return path;
  }
  return null;
}

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

const unavailable = (why: string): MergeError =>
  new MergeError({ type: 'BackendUnavailable', message: `the command cannot be run here: ${why}` });
