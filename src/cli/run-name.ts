import { access } from 'node:fs/promises';
import { loadConfig } from '../config/load.ts';

/** The name of a run, as it stands or out of its configuration, whichever was given. Throws a ConfigError. */
export async function runName(nameOrConfig: string): Promise<string> {
  if (!/\.ya?ml$/.test(nameOrConfig)) return nameOrConfig;
  // A name may end like a file; where there is no such file, it is one.
  const isFile = await access(nameOrConfig).then(
    () => true,
    () => false,
  );
  return isFile || nameOrConfig.includes('/') ? (await loadConfig(nameOrConfig)).name : nameOrConfig;
}
