import { SHELL, type MemoryBound } from './memory-means.ts';
import type { Lifetime } from './lifetime.ts';

/**
 * The words to start so that the command is under its limits before its first instruction: a shell puts itself under them and becomes
 * the command. It touches no descriptor but its own, and fails (125) where it cannot do what it must. `environment`
 * is the command's: shells add to it what is taken out again.
 */
export function launchWords(
  command: string[],
  bound: Pick<MemoryBound, 'prefix' | 'joinFiles' | 'dataLimitBytes'>,
  lifetime: Lifetime | null,
  environment: NodeJS.ProcessEnv,
): string[] {
  const added = ['PWD', 'OLDPWD', 'SHLVL'].filter((name) => environment[name] === undefined);
  const script = [
    ...bound.joinFiles.map((file) => `echo 0 >${quote(file)} || exit 125`),
    // The kernel, short of memory, shall pick the command and never sshd or the worker. Children inherit it.
    '{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null',
    // Where it is refused a lower one is in force already.
    ...(bound.dataLimitBytes === null ? [] : [`ulimit -d ${Math.ceil(bound.dataLimitBytes / 1024)} 2>/dev/null || :`]),
    ...(added.length === 0 ? [] : [`unset ${added.join(' ')}`]),
    'exec "$@"',
  ];
  return [...bound.prefix, SHELL, '-c', script.join('\n'), 'sh', ...(lifetime?.prefix ?? []), ...command];
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
