/** A measured curve as a picture: for a terminal, and as SVG. Pure. */
import { at, type Line, type Point } from '../merge/predict/fit-line.ts';
import { formatBytes } from '../config/units.ts';
import { dot, stroke, svgFile, word } from './svg.ts';

export interface Curve {
  title: string;
  /** Of values, and bytes. */
  points: readonly Point[];
  line: Line;
  /** Drawn where it is within reach of the points. */
  limitBytes: number;
}

const WIDTH = 60;
const HEIGHT = 12;

/** Measured points as `●`, the fitted line as `·`, the limit as `─`. */
export function plotLines({ points, line, limitBytes }: Curve): string[] {
  const { mostX, mostY, showsLimit } = rangeOf(points, line, limitBytes);
  const grid = Array.from({ length: HEIGHT }, () => Array.from({ length: WIDTH }, () => ' '));
  const mark = (x: number, y: number, sign: string): void => {
    const column = Math.round((x / mostX) * (WIDTH - 1));
    const row = HEIGHT - 1 - Math.round((Math.max(0, y) / mostY) * (HEIGHT - 1));
    grid[row]![column] = sign;
  };
  if (showsLimit) for (let column = 0; column < WIDTH; column++) mark((column / (WIDTH - 1)) * mostX, limitBytes, '─');
  for (let column = 0; column < WIDTH; column++) {
    const x = (column / (WIDTH - 1)) * mostX;
    mark(x, at(line, x), '·');
  }
  for (const { x, y } of points) mark(x, y, '●');
  const labels = [formatBytes(mostY), formatBytes(0)];
  const margin = Math.max(...labels.map((label) => label.length));
  const labelOf = (row: number): string => (row === 0 ? labels[0]! : row === HEIGHT - 1 ? labels[1]! : '');
  const axis = `${' '.repeat(margin)} └${'─'.repeat(WIDTH)}`;
  const rightEnd = `${millions(mostX)} million values`;
  return [
    ...grid.map((cells, row) => `${labelOf(row).padStart(margin)} │${cells.join('')}`.trimEnd()),
    axis,
    `${' '.repeat(margin + 2)}0${rightEnd.padStart(WIDTH - 1)}`,
  ];
}

const SVG = { width: 640, height: 400, left: 80, right: 20, top: 40, bottom: 50 } as const;

/** The same as an SVG file's text. */
export function plotSvg({ title, points, line, limitBytes }: Curve): string {
  const { mostX, mostY, showsLimit } = rangeOf(points, line, limitBytes);
  const { width, height, left, right, top, bottom } = SVG;
  const placeX = (x: number): number => left + (x / mostX) * (width - left - right);
  const placeY = (y: number): number => height - bottom - (Math.max(0, y) / mostY) * (height - top - bottom);
  const across = (y1: number, y2: number, style: string): string =>
    stroke(placeX(0), placeY(y1), placeX(mostX), placeY(y2), style);
  const quarters = [0, 0.25, 0.5, 0.75, 1];
  return svgFile(width, height, [
    word(left, 24, 'start', title),
    ...quarters.flatMap((share) => [
      across(share * mostY, share * mostY, 'stroke="#ddd"'),
      word(left - 6, placeY(share * mostY), 'end', formatBytes(share * mostY)),
      word(placeX(share * mostX), height - bottom + 18, 'middle', millions(share * mostX)),
    ]),
    word((left + width - right) / 2, height - 12, 'middle', 'million values (rows x columns)'),
    ...(showsLimit ? [across(limitBytes, limitBytes, 'stroke="#c33" stroke-dasharray="6 3"')] : []),
    across(at(line, 0), at(line, mostX), 'stroke="#36c"'),
    ...points.map(({ x, y }) => dot(placeX(x), placeY(y), '#36c')),
  ]);
}

function rangeOf(points: readonly Point[], line: Line, limitBytes: number) {
  const mostX = Math.max(...points.map(({ x }) => x));
  const highest = Math.max(at(line, mostX), ...points.map(({ y }) => y));
  const showsLimit = limitBytes <= 1.5 * highest;
  return { mostX, mostY: showsLimit ? Math.max(highest, limitBytes) : highest, showsLimit };
}

const millions = (values: number): string => {
  const amount = values / 1e6;
  return amount >= 10 || amount === 0 ? amount.toFixed(0) : amount.toPrecision(2);
};
