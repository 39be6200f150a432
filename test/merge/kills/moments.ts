/** Moments of a merge, by what lies in its workspace: no clock has a say in them. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface Moment {
  name: string;
  /** Of a merge that was begun over `before`. */
  hasCome: (now: Traces, before: Traces) => boolean;
}

export interface Traces {
  /** Aligned parts that are finished: names of their sidecars, with their inodes. */
  parts: Map<string, number>;
  /** Of the temporary output, which is begun anew each time; null where it is not there. */
  output: { ino: number; bytes: number } | null;
  /** Inode of the draft: the output is written and is being verified. */
  draft: number | null;
  isPublishing: boolean;
}

export function readTraces(workspace: string): Traces {
  const look = (name: string): { ino: number; size: number } | null =>
    statSync(join(workspace, name), { throwIfNoEntry: false }) ?? null;
  const output = look('output.parquet');
  return {
    parts: new Map(
      namesIn(join(workspace, 'parts'))
        .filter((name) => name.endsWith('.ok') && !name.startsWith('.'))
        .flatMap((name) => {
          const found = look(join('parts', name));
          return found === null ? [] : [[name, found.ino]];
        }),
    ),
    output: output === null ? null : { ino: output.ino, bytes: output.size },
    draft: look('draft.json')?.ino ?? null,
    isPublishing: look('manifest.pending.json') !== null,
  };
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** `random` gives numbers of 0 to 1; `outputBytes` is what the output will have. */
export function drawMoment(random: () => number, outputBytes: number): Moment {
  const share = random();
  const draw = random();
  if (draw < 0.35) {
    const more = 1 + Math.floor(share * 3);
    return {
      name: `after ${more} more parts`,
      // Those that were there already count as if they had just been written: the output is begun then.
      hasCome: (now, before) => now.parts.size >= before.parts.size + more || isBegun(now, before),
    };
  }
  if (draw < 0.7)
    return {
      name: `at ${Math.round(share * 100)} % of the output`,
      hasCome: (now, before) => isBegun(now, before) && now.output!.bytes >= share * outputBytes,
    };
  if (draw < 0.9)
    return { name: 'while it is verified', hasCome: (now, before) => now.draft !== null && now.draft !== before.draft };
  return { name: 'while it is published', hasCome: (now) => now.isPublishing };
}

const isBegun = (now: Traces, before: Traces): boolean => now.output !== null && now.output.ino !== before.output?.ino;
