import { formatBytes, formatCount, formatDuration } from '../config/units.ts';
import type { BackendName } from '../contract.ts';
import { at, errorAt, worstError, type Line, type Point } from '../merge/predict/fit-line.ts';
import { plotLines, type Curve } from './plot.ts';
import type { ProfilePoint, ProfileSeries } from './profile-points.ts';
import { table } from './terminal.ts';

/** What `widemerge profile` has found; `--json` shows it as it is. */
export interface Profile extends ProfileSeries {
  dir: string;
  engine: BackendName;
  limitBytes: number;
  /** Bytes over values, fitted to the points. */
  line: Line;
  /** The whole folder, with the rows of the last point; null where that was the whole. */
  whole: { columns: number; rows: number; values: number } | null;
}

/** Off by more, the points lie on no line: what it says beyond them is little worth. */
const NO_LINE = 0.15;

export function profileLines(own: Profile): string[] {
  const { dir, engine, limitBytes, points, ended, line } = own;
  const worst = worstError(line, pointsOf(points));
  const lines = [
    `${engine} on ${dir}, limit ${formatBytes(limitBytes)}:`,
    ...table(
      ['files', 'columns', 'values', 'peak', 'fitted', 'error', 'time'],
      points.map((point) => [
        formatCount(point.files),
        formatCount(point.columns),
        formatCount(point.values),
        formatBytes(point.peakBytes),
        formatBytes(at(line, point.values)),
        percent(errorAt(line, pointOf(point))),
        formatDuration(point.wallMs),
      ]),
    ),
    ...plotLines(curveOf(own)),
    `${formatBytes(line.intercept)} + ${line.slope.toFixed(1)} bytes a value, at ${formatCount(points.at(-1)!.rows)} rows; off by ${percent(worst)} at most`,
  ];
  if (ended !== null)
    lines.push(
      `${formatCount(ended.files)} files ended with ${ended.type}, and none were tried after it: ${ended.message}`,
    );
  if (worst > NO_LINE) lines.push('the points lie on no line: beyond them the prediction is rough, and may be too low');
  return [...lines, ...wholeLines(own)];
}

function wholeLines({ whole, line, limitBytes }: Profile): string[] {
  if (whole === null) return [];
  const bytes = at(line, whole.values);
  const verdict = bytes <= limitBytes ? 'within' : 'above';
  const shape = `${formatCount(whole.columns)} columns x ${formatCount(whole.rows)} rows`;
  return [`the whole, ${shape}: ${formatBytes(bytes)} expected, ${verdict} the limit of ${formatBytes(limitBytes)}`];
}

export const curveOf = ({ engine, dir, points, line, limitBytes }: Profile): Curve => ({
  title: `${engine} on ${dir}: peak of memory`,
  points: pointsOf(points),
  line,
  limitBytes,
});

const pointOf = ({ values, peakBytes }: ProfilePoint): Point => ({ x: values, y: peakBytes });
const pointsOf = (points: readonly ProfilePoint[]): Point[] => points.map(pointOf);

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
