import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { GuardLimits } from '../../../src/guard/command.ts';
import { mulberry32 } from '../../../src/emulator/faults.ts';
import { MIB } from '../helpers.ts';
import { writeParquet } from '../../support/parquet-by-sql.ts';

/** Where the faults are made, and what they may draw. */
export interface Scene {
  folder: string;
  /** A whole number from `least` to `most`. */
  draw: (least: number, most: number) => number;
  pick: <T>(values: readonly T[]) => T;
  /** What the guards' clocks have counted, ms. */
  count: { passedMs: number };
  machineLock: string;
  limits: GuardLimits;
  /** Of a pair: two small checkpoints, and an empty folder for its output. */
  sources: string;
  output: string;
}

export interface Fault {
  what: string;
  /** It takes seconds: the soak makes it less often. */
  isSlow: boolean;
  /** Makes the fault once, and throws where anything else comes of it than what must. */
  make: (scene: Scene) => Promise<void>;
}

/**
 * Temporary files of this process, too, lie below its folder until the end of the test; and since guarded commands are given TMPDIR, the folder
 * stands in the environment of all that the faults start. `minutes`: the limits of time.
 */
export async function openScene(t: TestContext, seed: number, minutes = { timeout: 30, stall: 10 }): Promise<Scene> {
  const random = mulberry32(seed);
  const draw = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1));
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'wm faults é ')));
  // For commands that have become another user.
  chmodSync(folder, 0o755);
  const { TMPDIR: before } = process.env;
  t.after(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(folder, { recursive: true, force: true });
  });
  for (const name of ['tmp', 'sources', 'out']) mkdirSync(join(folder, name));
  process.env.TMPDIR = join(folder, 'tmp');
  writeFileSync(join(folder, 'plain'), 'no program');
  const sources = join(folder, 'sources');
  await writeParquet({
    [join(sources, 'a.parquet')]: 'SELECT range AS k, range / 3 AS a FROM range(500)',
    [join(sources, 'b.parquet')]: 'SELECT range AS k, range * 2 AS b FROM range(500)',
  });
  return {
    folder,
    draw,
    pick: (values) => values[draw(0, values.length - 1)]!,
    count: { passedMs: 0 },
    machineLock: join(folder, 'machine.lock'),
    limits: {
      // What the machine has beside other tests.
      memoryBytes: 1024 * MIB,
      killAboveBytes: 1024 * MIB,
      timeoutMs: minutes.timeout * 60_000,
      stallMs: minutes.stall * 60_000,
      // Goes by the machine's clock.
      graceMs: 200,
    },
    sources,
    output: join(folder, 'out', 'merged.parquet'),
  };
}
