/** The measured memory curves of this user's machines: one JSON file, written by `widemerge profile`, read by `plan` and by discovery. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { environment } from '../config/environment.ts';
import { BACKENDS } from '../contract.ts';
import { tryLock } from '../guard/flock.ts';
import { replaces, type MeasuredCurve } from '../merge/predict/measured-curve.ts';
import { VERSION } from '../merge/version.ts';

const amount = z.number().nonnegative();

const curveSchema: z.ZodType<MeasuredCurve> = z.object({
  engine: z.enum(BACKENDS).exclude(['command']),
  version: z.string(),
  host: z.string(),
  cores: amount,
  memoryBytes: amount,
  measuredAt: z.iso.datetime(),
  rows: amount,
  realignedShare: amount,
  verify: z.enum(['bytes', 'full', 'none']),
  leastValues: amount,
  mostValues: amount,
  leastPeakBytes: amount,
  // A curve that bends upwards gives a line that begins below nothing.
  baseBytes: z.number(),
  bytesPerValue: amount,
});
const fileSchema = z.object({ curves: z.array(z.unknown()) });

/** More than anybody measures; the oldest go. */
const MOST_CURVES = 200;
/** Another process holds the lock while it writes one small file. */
const LOCK_WAIT_MS = 10_000;
const LOCK_POLL_MS = 20;

/** In XDG_STATE_HOME, or ~/.local/state. */
export const curvesPath = (): string => join(environment.stateDir, 'widemerge', 'curves.json');

/**
 * The curves of this version of widemerge, whatever else is among them; none where there is no file. A prediction must not fail over a file that is
 * broken or cannot be read: `remark` then says so, one line.
 */
export async function readCurves(path = curvesPath()): Promise<{ curves: MeasuredCurve[]; remark: string | null }> {
  try {
    const curves = await readAll(path);
    return { curves: curves.flatMap(parsed).filter(({ version }) => version === VERSION), remark: null };
  } catch (error) {
    const why =
      error instanceof z.ZodError || error instanceof SyntaxError ? 'is broken' : `cannot be read: ${String(error)}`;
    return { curves: [], remark: `${path} ${why}; what is built in is used (widemerge profile writes it anew)` };
  }
}

/**
 * Adds a curve, in place of an older one of the same; what another version has written stays as it is. A file that is broken is written
 * anew. One process at a time. Throws the system's errors, and an Error where another process does not let go of the lock.
 */
export async function keepCurve(curve: MeasuredCurve, path = curvesPath()): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const lock = await takeLock(`${path}.lock`);
  try {
    await addTo(path, curve);
  } finally {
    await lock.close();
  }
}

async function addTo(path: string, curve: MeasuredCurve): Promise<void> {
  const known = await readAll(path).catch((error: unknown) => {
    if (error instanceof z.ZodError || error instanceof SyntaxError) return [];
    throw error;
  });
  const others = known.filter((old) => !parsed(old).some((own) => replaces(curve, own)));
  const curves = [...others, curve].slice(-MOST_CURVES);
  const fresh = `${path}.${randomUUID()}`;
  try {
    await writeFile(fresh, `${JSON.stringify({ curves }, null, 2)}\n`);
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

/** None where the entry is of another version, or of something else. */
function parsed(entry: unknown): MeasuredCurve[] {
  const { success, data } = curveSchema.safeParse(entry);
  return success ? [data] : [];
}

/** The file stays: what counts is the lock, which goes with its process. */
async function takeLock(path: string): Promise<FileHandle> {
  const file = await open(path, 'a');
  try {
    const until = performance.now() + LOCK_WAIT_MS;
    while (!tryLock(file.fd)) {
      if (performance.now() > until) throw new Error(`another process holds ${path}`);
      await sleep(LOCK_POLL_MS);
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  return file;
}

async function readAll(path: string): Promise<unknown[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  return text === null ? [] : fileSchema.parse(JSON.parse(text)).curves;
}
