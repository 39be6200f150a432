/** How time and memory grow along one axis: the table and the plot of it. Pure. */
import type { Shape } from './checkpoints.ts';
import { growthSvg, type Panel } from './growth-plot.ts';
import { machineText, type MachineFacts } from './machine.ts';
import type { SetResult } from './measure-set.ts';
import { OURS, summarise, UNVERIFIED, YARDSTICK, type Summary } from './summary.ts';
import { markdownTable } from './table.ts';
import { endingText, megabytes, spreadText } from './words.ts';

export type Axis = keyof Shape;

export interface Series {
  axis: Axis;
  /** In ascending order. */
  points: SetResult[];
}

export interface GrowthResult {
  command: string;
  measuredAt: string;
  machine: MachineFacts;
  memoryBytes: number;
  series: Series[];
}

/** The exponent p of y ~ x^p between two points: 0 stays as it is, 1 grows alike, above 1 bends upwards. */
export const exponent = (x1: number, y1: number, x2: number, y2: number): number =>
  Math.log(y2 / y1) / Math.log(x2 / x1);

export function growthMarkdown({ command, machine, series }: GrowthResult): string {
  const intro = [
    `\`${command}\`: ${machineText(machine)}.`,
    'The exponent p says how it grew since the line before, y ~ x^p: 0 not at all, 1 in step, above 1 it bends.',
  ];
  const parts = series.flatMap((own) => [`**${titleOf(own)}**`, seriesTable(own)]);
  return `${[intro.join(' '), ...parts].join('\n\n')}\n`;
}

/** `files, each of 4 columns x 2,000 rows`: what grows, and what stays. */
export function titleOf({ axis, points }: Series): string {
  const { files, columns, rows } = points[0]!.shape;
  const count = (number: number): string => number.toLocaleString('en');
  if (axis === 'files') return `files, each of ${count(columns / files)} columns x ${count(rows)} rows`;
  if (axis === 'columns') return `columns, in ${count(files)} files of ${count(rows)} rows`;
  return `rows, of ${count(files)} files with ${count(columns)} columns`;
}

function seriesTable({ axis, points }: Series): string {
  const rows = points.map((point, index) => {
    const before = points[index - 1];
    const own = ours(point);
    const previous = before === undefined ? null : ours(before);
    const p = (of: (summary: Summary) => number | undefined): string => {
      const [y1, y2] = [previous && of(previous), own && of(own)];
      return y1 && y2 ? exponent(before!.shape[axis], y1, point.shape[axis], y2).toFixed(2) : '';
    };
    return [
      point.shape[axis].toLocaleString('en'),
      (point.bytesIn / 1e9).toFixed(2),
      timeOf(point, YARDSTICK),
      timeOf(point, UNVERIFIED),
      timeOf(point, OURS),
      p(({ wallMs }) => wallMs?.median),
      own === null ? '' : megabytes(own.peakBytes),
      p(({ peakBytes }) => peakBytes),
    ];
  });
  const head = [axis, 'GB', '`cat`, s', 'unverified, s', '`bytes`, s', 'p', 'peak, MB', 'p'];
  return markdownTable(head, rows);
}

const find = ({ entries }: SetResult, id: string): Summary | null => {
  const entry = entries.find((one) => one.id === id);
  return entry === undefined ? null : summarise(entry);
};
const ours = (point: SetResult): Summary | null => find(point, OURS);

function timeOf(point: SetResult, id: string): string {
  const found = find(point, id);
  if (found === null) return '';
  return found.failure === null ? spreadText(found.wallMs!) : endingText(found.failure);
}

/** Time above, memory below; an axis a column. */
export const growthPlot = ({ series }: GrowthResult): string =>
  growthSvg(
    series.map((own) => ({
      title: titleOf(own),
      time: [YARDSTICK, UNVERIFIED, OURS].map((id) => lineOf(own, id, timeIn)),
      memory: [UNVERIFIED, OURS].map((id) => lineOf(own, id, memoryIn)),
    })),
  );

const timeIn = ({ wallMs }: Summary): number | null => wallMs && wallMs.median / 1000;
const memoryIn = ({ peakBytes, failure }: Summary): number | null => (failure === null ? peakBytes / 1e6 : null);

function lineOf({ axis, points }: Series, id: string, of: (summary: Summary) => number | null): Panel['time'][number] {
  const found = points.map((point) => ({ x: point.shape[axis], summary: find(point, id) }));
  const values = found.map(({ x, summary }) => ({ x, y: summary === null ? null : of(summary) }));
  return {
    name: found.find(({ summary }) => summary !== null)?.summary?.name ?? id,
    points: values.flatMap(({ x, y }) => (y === null ? [] : [{ x, y }])),
  };
}
