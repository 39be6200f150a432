import { availableParallelism, hostname } from 'node:os';
import { writeFile } from 'node:fs/promises';
import { curvesPath, keepCurve } from '../backends/measured-curves.ts';
import type { MeasuredCurve, MeasuredEngine } from '../merge/predict/measured-curve.ts';
import { VERSION } from '../merge/version.ts';
import { CommandError } from './exit.ts';
import { plotSvg } from './plot.ts';
import { curveOf, profileLines, type Profile } from './profile-view.ts';

/** Says what was found first, since it took long; then draws it, and keeps the curve. Throws CommandError OutputUnwritable. */
export async function tellProfile(own: Profile, { svg, json }: { svg?: string; json: boolean }): Promise<void> {
  for (const line of profileLines(own)) console.log(line);
  if (svg !== undefined) {
    await writeFile(svg, plotSvg(curveOf(own))).catch(unwritable(svg));
    console.log(`drawn in ${svg}`);
  }
  const kept = await keep(own);
  if (json) console.log(JSON.stringify({ ...own, kept }));
}

/** The file that has the curve now; null where it is not kept. */
async function keep(own: Profile): Promise<string | null> {
  const { engine } = own;
  if (engine === 'command') {
    console.log('not kept: the curve is of this command alone, and another may be configured the next time');
    return null;
  }
  const path = curvesPath();
  await keepCurve(curveFrom(own, engine)).catch(unwritable(path));
  console.log(`kept in ${path}: widemerge plan, and the canary of a run, predict with it`);
  return path;
}

const unwritable =
  (file: string) =>
  (error: unknown): never => {
    throw new CommandError({
      type: 'OutputUnwritable',
      message: `${file} cannot be written: ${String(error)}`,
      file,
    });
  };

function curveFrom({ limitBytes, points, line }: Profile, engine: MeasuredEngine): MeasuredCurve {
  const last = points.at(-1)!;
  return {
    engine,
    version: VERSION,
    host: hostname(),
    cores: availableParallelism(),
    memoryBytes: limitBytes,
    measuredAt: new Date().toISOString(),
    rows: last.rows,
    realignedShare: last.realigned / last.files,
    verify: 'bytes',
    leastValues: points[0]!.values,
    mostValues: last.values,
    leastPeakBytes: Math.min(...points.map(({ peakBytes }) => peakBytes)),
    baseBytes: Math.round(line.intercept),
    bytesPerValue: line.slope,
  };
}
