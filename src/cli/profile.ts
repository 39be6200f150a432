import { MergeError } from '../backends/backend.ts';
import { createBackends } from '../backends/index.ts';
import { machineLockPath } from '../config/environment.ts';
import type { BackendName } from '../contract.ts';
import { limitsFor } from '../library/limits.ts';
import { listCheckpoints } from '../merge/discover.ts';
import { MergeFailure } from '../merge/errors.ts';
import type { MergeJob, Survey } from '../merge/job.ts';
import { predictDiskBytes } from '../merge/predict/disk.ts';
import { fitLine } from '../merge/predict/fit-line.ts';
import { fileCounts, LEAST_POINTS, type ColumnsRange } from './columns-range.ts';
import { CommandError, UsageError } from './exit.ts';
import { interruptible } from './interrupt.ts';
import { shapeOf } from './plan-engines.ts';
import { checkRoom, checkWritable, chooseWorkDir } from './profile-place.ts';
import { measurePoints, type ProfileSeries } from './profile-points.ts';
import { tellProfile } from './profile-tell.ts';
import type { Profile } from './profile-view.ts';
import { machineOf, survey, surveyJob, SURVEY_TIMES } from './survey-folder.ts';
import { openDisplay } from './terminal.ts';

export interface ProfileOptions {
  engine: BackendName;
  command?: string[];
  columns: ColumnsRange;
  points: number;
  key?: string[];
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
  const limits = limitsFor({ memoryBytes: options.memory, timeoutMs: options.timeout });
  const { memoryBytes } = limits;
  const job: MergeJob = {
    ...surveyJob({ dir, key: options.key, pattern: options.pattern, memoryBytes }),
    ...(options.command !== undefined && { command: { argv: options.command, dir: process.cwd() } }),
  };
  using interrupt = interruptible();
  const display = openDisplay(process.stderr);
  let whole: Survey;
  let series: ProfileSeries;
  try {
    const { path: workDir, remark } = await chooseWorkDir(options.workDir);
    if (remark !== null) display.line(remark);
    if (options.svg !== undefined) await checkWritable('--svg', options.svg);
    const files = (await listCheckpoints(job)).map(({ path }) => path);
    whole = await survey(job, { ...limits, ...SURVEY_TIMES }, interrupt.signal);
    const counts = fileCounts(files.length, options.columns, options.points);
    if (counts.length < LEAST_POINTS)
      throw new UsageError(
        `${dir} has ${files.length} files (${job.source.pattern}), of which the range makes ${counts.length} points, where a curve takes ${LEAST_POINTS}: give a wider range with --columns, or a folder of more files`,
      );
    await checkRoom(workDir, neededBytes(options.engine, whole, counts.at(-1)!, memoryBytes));
    series = await measurePoints({
      backend: createBackends()[options.engine],
      job: { ...job, steps: ['discover', 'merge', 'verify', 'publish'], verify: 'bytes' },
      context: {
        limits,
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
  await tellProfile(profileOf(dir, options, memoryBytes, whole, series), options);
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

/** Of the largest point; 0 where nothing is known of the engine. */
function neededBytes(engine: BackendName, whole: Survey, files: number, memoryBytes: number): number {
  const share = files / whole.files;
  const { columns, bytesIn, ...shape } = shapeOf(whole, 'bytes');
  const largest = {
    ...shape,
    files,
    columns: columns * share,
    bytesIn: bytesIn * share,
    realigned: shape.realigned * share,
  };
  return predictDiskBytes(engine, largest, machineOf(memoryBytes)) ?? 0;
}
