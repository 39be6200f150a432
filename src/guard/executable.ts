import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

import { environment } from '../config/environment.ts';

/** A command that is not there (ENOENT), or there but no program that may be run (EACCES). */
export class CommandUnusableError extends Error {
  readonly code: 'ENOENT' | 'EACCES';
  constructor(command: string, code: 'ENOENT' | 'EACCES') {
    super(`${command} cannot be started: ${code === 'ENOENT' ? 'not found (ENOENT)' : 'not executable (EACCES)'}`);
    this.name = 'CommandUnusableError';
    this.code = code;
  }
}

/** Path of a command, searched the way a shell does; null where there is none that could be run. */
export function findExecutable(command: string, searchPath = environment.searchPath): string | null {
  return search(command, searchPath, undefined).path;
}

/** Throws CommandUnusableError where the command could not be run from this folder. */
export function checkExecutable(command: string, searchPath = environment.searchPath, cwd?: string): void {
  const { path, denied } = search(command, searchPath, cwd);
  if (path === null) throw new CommandUnusableError(command, denied ? 'EACCES' : 'ENOENT');
}

function search(command: string, searchPath: string[], cwd = '.'): { path: string | null; denied: boolean } {
  const candidates = command.includes('/')
    ? [command.startsWith('/') ? command : join(cwd, command)]
    : searchPath.map((folder) => join(folder, command));
  let denied = false;
  for (const path of command === '' ? [] : candidates) {
    try {
      const isFile = statSync(path).isFile();
      denied ||= !isFile;
      if (!isFile) continue;
      accessSync(path, constants.X_OK);
      return { path, denied: false };
    } catch (error) {
      denied ||= (error as NodeJS.ErrnoException).code === 'EACCES';
    }
  }
  return { path: null, denied };
}
