/**
 * How time and memory of `widemerge merge` grow with files, columns and rows: one of the three grows, the other two stay.
 *
 *   node bench/growth.ts [--axes files,columns,rows] [--rounds 3] [--up-to 1] [--memory 16GiB] [--timeout 10m] [--dir FOLDER] [--results FOLDER]
 *
 * --up-to 0.1 leaves out what lies above a tenth of each axis' far end: a quick look.
 */
import { parseArgs } from 'node:util';
import { UsageError } from '../src/cli/exit.ts';
import type { Shape } from './lib/checkpoints.ts';
import { CAT, WIDEMERGE } from './lib/contender.ts';
import { growthMarkdown, growthPlot, type Axis, type GrowthResult, type Series } from './lib/growth-result.ts';
import { machineFacts } from './lib/machine.ts';
import { inWorkFolder, main } from './lib/main.ts';
import { measureSet, type SetResult } from './lib/measure-set.ts';
import { COMMON_OPTIONS, commonSettings } from './lib/options.ts';
import { writeFiles } from './lib/results.ts';
import { checkRoom } from './lib/room.ts';
import { OURS, UNVERIFIED } from './lib/summary.ts';

/** From a tenth of the incident to ten times its files, six times its columns, four times its rows. */
const POINTS: Record<Axis, number[]> = {
  files: [67, 167, 334, 668, 1336, 3340, 6680],
  columns: [1_000, 3_000, 10_000, 17_000, 30_000, 100_000],
  rows: [5_555, 22_218, 88_874, 177_748, 710_992],
};
const SHAPES: Record<Axis, (value: number) => Shape> = {
  files: (files) => ({ files, columns: 4 * files, rows: 2_000 }),
  columns: (columns) => ({ files: 200, columns, rows: 2_000 }),
  rows: (rows) => ({ files: 20, columns: 500, rows }),
};
const CONTENDERS = [CAT, ...WIDEMERGE.filter(({ id }) => id === UNVERIFIED || id === OURS)];

await main(async (signal) => {
  const { values } = parseArgs({
    options: {
      ...COMMON_OPTIONS,
      axes: { type: 'string', default: Object.keys(POINTS).join(',') },
      'up-to': { type: 'string', default: '1' },
    },
  });
  const { rounds, limits } = commonSettings(values, '10m', signal);
  const plan = planOf(values.axes.split(','), Number(values['up-to']));
  const result = await inWorkFolder(values.dir, async (work): Promise<GrowthResult> => {
    await checkRoom(
      work,
      plan.flatMap(({ shapes }) => shapes),
      CONTENDERS,
    );
    const comparison = { ...limits, work, rounds, contenders: CONTENDERS, repeatBelowMs: Infinity };
    const series: Series[] = [];
    for (const { axis, shapes } of plan) {
      const points: SetResult[] = [];
      for (const shape of shapes) points.push(await measureSet(shape, comparison));
      series.push({ axis, points });
    }
    return {
      command: ['node bench/growth.ts', ...process.argv.slice(2)].join(' '),
      measuredAt: new Date().toISOString(),
      ...{ machine: await machineFacts(work), memoryBytes: limits.memoryBytes, series },
    };
  });
  const md = growthMarkdown(result);
  console.log(md);
  const json = `${JSON.stringify(result, null, 1)}\n`;
  await writeFiles(values.results, 'growth', { json, md, svg: growthPlot(result) });
});

function planOf(axes: string[], upTo: number): { axis: Axis; shapes: Shape[] }[] {
  if (!(upTo > 0 && upTo <= 1)) throw new UsageError(`--up-to ${upTo}: give a share, above 0 and up to 1`);
  const isAxis = (axis: string): axis is Axis => Object.hasOwn(POINTS, axis);
  if (!axes.every(isAxis))
    throw new UsageError(`--axes ${axes.join(',')}: there are ${Object.keys(POINTS).join(', ')}`);
  return axes.map((axis) => {
    const most = upTo * POINTS[axis].at(-1)!;
    // Two points at least: growth is between them.
    const values = POINTS[axis].filter((value, index) => value <= most || index < 2);
    return { axis, shapes: values.map(SHAPES[axis]) };
  });
}
