import { availableParallelism, hostname, tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { stat, writeFile } from 'node:fs/promises';
import { MergeError } from '../backends/backend.ts';
import { createBackends } from '../backends/index.ts';
import { curvesPath, keepCurve } from '../backends/measured-curves.ts';
import { machineLockPath } from '../config/environment.ts';
import { defaultMemoryBytes, machineMemoryBytes } from '../config/load.ts';
import type { BackendName } from '../contract.ts';
import { listCheckpoints } from '../merge/discover.ts';
import { MergeFailure } from '../merge/errors.ts';
import type { MergeJob, Survey } from '../merge/job.ts';
import { fitLine, type Line } from '../merge/predict/fit-line.ts';
import type { MeasuredCurve } from '../merge/predict/measured-curve.ts';
import { VERSION } from '../merge/version.ts';
import { fileCounts, LEAST_POINTS, type ColumnsRange } from './columns-range.ts';
import { CommandError, UsageError } from './exit.ts';
import { interruptible } from './interrupt.ts';
import { plotSvg } from './plot.ts';
import { measurePoints, type ProfilePoint, type ProfileSeries } from './profile-points.ts';
import { curveOf, profileLines, type Profile } from './profile-view.ts';
import { folderLimits, survey, surveyJob } from './survey-folder.ts';
import { openDisplay } from './terminal.ts';

export interface ProfileOptions {
  engine: BackendName;
  command?: string[];
  columns: ColumnsRange;
  points: number;
  key?: string;
  pattern?: string;
  memory?: number;
  timeout: number;
  workDir?: string;
  svg?: string;
  json: boolean;
}

/** `widemerge profile DIR --engine E --columns 5%..100%`: merges growing parts of a folder under the guard, and fits the memory curve of an engine. */
export async function profile(dir: string, options: ProfileOptions): Promise<void> {
  if ((options.command === undefined) === (options.engine === 'command'))
    throw new UsageError('--command says what --engine command runs; give both');
  const memoryBytes = options.memory ?? defaultMemoryBytes(machineMemoryBytes());
  const job: MergeJob = {
    ...surveyJob({ dir, key: options.key, pattern: options.pattern, memoryBytes }),
    ...(options.command !== undefined && { command: { argv: options.command, dir: process.cwd() } }),
  };
  using interrupt = interruptible();
  const display = openDisplay(process.stderr);
  let whole: Survey;
  let series: ProfileSeries;
  try {
    const workDir = await workDirOf(options);
    const files = (await listCheckpoints(job)).map(({ path }) => path);
    whole = await survey(job, folderLimits(memoryBytes), interrupt.signal);
    const counts = fileCounts(files.length, options.columns, options.points);
    if (counts.length < LEAST_POINTS)
      throw new UsageError(
        `${dir} has ${files.length} files (${job.source.pattern}), of which the range makes ${counts.length} points, where a curve takes ${LEAST_POINTS}: give a wider range with --columns, or a folder of more files`,
      );
    series = await measurePoints({
      backend: createBackends()[options.engine],
      job: { ...job, steps: ['discover', 'merge', 'verify', 'publish'], verify: 'bytes' },
      context: {
        limits: { ...folderLimits(memoryBytes), killAboveBytes: memoryBytes, timeoutMs: options.timeout },
        machineLock: machineLockPath,
        signal: interrupt.signal,
        onRemark: (line) => display.line(line),
      },
      files,
      counts,
      workDir,
      onPoint: (done, count) =>
        display.draw([`${options.engine}: merging ${count} files (point ${done + 1} of ${counts.length})`]),
    });
  } catch (error) {
    if (error instanceof MergeError) throw new CommandError(error.facts, { cause: error });
    if (error instanceof MergeFailure) throw new CommandError(error.facts, { cause: error });
    throw error;
  } finally {
    display.end(false);
  }
  await tell(profileOf(dir, options, memoryBytes, whole, series), options);
}

function profileOf(
  dir: string,
  { engine }: ProfileOptions,
  limitBytes: number,
  whole: Survey,
  { points, ended }: ProfileSeries,
): Profile {
  const last = points.at(-1);
  if (points.length < LEAST_POINTS || last === undefined) {
    const why = ended === null ? '' : `: ${ended.files} files ended with ${ended.type} (${ended.message})`;
    throw new CommandError({
      type: ended?.type ?? 'CommandFailed',
      message: `only ${points.length} points were merged, too few for a curve${why}; begin the range lower, or raise --memory`,
    });
  }
  const line = fitLine(points.map(({ values, peakBytes }) => ({ x: values, y: peakBytes })));
  const values = last.rows * whole.columns;
  return {
    dir,
    engine,
    limitBytes,
    points,
    ended,
    line,
    whole: last.files === whole.files ? null : { columns: whole.columns, rows: last.rows, values },
  };
}

async function tell(own: Profile, { svg, json }: ProfileOptions): Promise<void> {
  const path = curvesPath();
  await keepCurve(curveFrom(own, own.line, own.points.at(-1)!)).catch((error: unknown) => {
    throw new CommandError({
      type: 'OutputUnwritable',
      message: `${path} cannot be written: ${String(error)}`,
      file: path,
    });
  });
  if (svg !== undefined)
    await writeFile(svg, plotSvg(curveOf(own))).catch((error: unknown) => {
      throw new CommandError({
        type: 'OutputUnwritable',
        message: `${svg} cannot be written: ${String(error)}`,
        file: svg,
      });
    });
  for (const line of profileLines(own)) console.log(line);
  console.log(`kept in ${path}: widemerge plan, and the canary of a run, predict with it`);
  if (svg !== undefined) console.log(`drawn in ${svg}`);
  if (json) console.log(JSON.stringify({ ...own, kept: path }));
}

const curveFrom = ({ engine, limitBytes }: Profile, line: Line, last: ProfilePoint): MeasuredCurve => ({
  engine,
  version: VERSION,
  host: hostname(),
  cores: availableParallelism(),
  memoryBytes: limitBytes,
  measuredAt: new Date().toISOString(),
  rows: last.rows,
  realignedShare: last.realigned / last.files,
  verify: 'bytes',
  mostValues: last.values,
  baseBytes: Math.round(line.intercept),
  bytesPerValue: line.slope,
});

async function workDirOf({ workDir }: ProfileOptions): Promise<string> {
  const folder = resolve(workDir ?? tmpdir());
  const info = await stat(folder).catch(() => null);
  if (info?.isDirectory() === true) return folder;
  throw new UsageError(`--work-dir ${folder} is no folder; name one with room for a merged file`);
}
