/** The measured memory curves of this user's machines: one JSON file, written by `widemerge profile`, read by `plan` and by discovery. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { environment } from '../config/environment.ts';
import { BACKENDS } from '../contract.ts';
import { replaces, type MeasuredCurve } from '../merge/predict/measured-curve.ts';
import { VERSION } from '../merge/version.ts';

const amount = z.number().nonnegative();

const curveSchema: z.ZodType<MeasuredCurve> = z.object({
  engine: z.enum(BACKENDS),
  version: z.string(),
  host: z.string(),
  cores: amount,
  memoryBytes: amount,
  measuredAt: z.iso.datetime(),
  rows: amount,
  realignedShare: amount,
  verify: z.enum(['bytes', 'full', 'none']),
  mostValues: amount,
  // A curve that bends upwards gives a line that begins below nothing.
  baseBytes: z.number(),
  bytesPerValue: amount,
});
const fileSchema = z.object({ curves: z.array(curveSchema) });

/** More than anybody measures; the oldest go. */
const MOST_CURVES = 200;

/** In XDG_STATE_HOME, or ~/.local/state. */
export const curvesPath = (): string => join(environment.stateDir, 'widemerge', 'curves.json');

/**
 * The curves of this version of widemerge; none where there is no file. A prediction must not fail over a file that is
 * broken or cannot be read: `remark` then says so, one line.
 */
export async function readCurves(path = curvesPath()): Promise<{ curves: MeasuredCurve[]; remark: string | null }> {
  try {
    const curves = await readAll(path);
    return { curves: curves.filter(({ version }) => version === VERSION), remark: null };
  } catch (error) {
    const why =
      error instanceof z.ZodError || error instanceof SyntaxError ? 'is broken' : `cannot be read: ${String(error)}`;
    return { curves: [], remark: `${path} ${why}; what is built in is used (widemerge profile writes it anew)` };
  }
}

/** Adds a curve, in place of an older one of the same. What is broken is written anew. Throws the system's errors. */
export async function keepCurve(curve: MeasuredCurve, path = curvesPath()): Promise<void> {
  const known = await readAll(path).catch((error: unknown) => {
    if (error instanceof z.ZodError || error instanceof SyntaxError) return [];
    throw error;
  });
  const curves = [...known.filter((old) => !replaces(curve, old)), curve].slice(-MOST_CURVES);
  await mkdir(dirname(path), { recursive: true });
  const fresh = `${path}.${randomUUID()}`;
  try {
    await writeFile(fresh, `${JSON.stringify({ curves }, null, 2)}\n`);
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

async function readAll(path: string): Promise<MeasuredCurve[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  return text === null ? [] : fileSchema.parse(JSON.parse(text)).curves;
}
