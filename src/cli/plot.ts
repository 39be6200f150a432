/** A measured curve as a picture: for a terminal, and as SVG. Pure. */
import { at, type Line, type Point } from '../merge/predict/fit-line.ts';
import { formatBytes } from '../config/units.ts';

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
  const placeX = (x: number): string => (left + (x / mostX) * (width - left - right)).toFixed(1);
  const placeY = (y: number): string =>
    (height - bottom - (Math.max(0, y) / mostY) * (height - top - bottom)).toFixed(1);
  const stroke = (x1: number, y1: number, x2: number, y2: number, style: string): string =>
    `<line x1="${placeX(x1)}" y1="${placeY(y1)}" x2="${placeX(x2)}" y2="${placeY(y2)}" ${style}/>`;
  const word = (x: number | string, y: number | string, anchor: string, text: string): string =>
    `<text x="${x}" y="${y}" text-anchor="${anchor}">${escaped(text)}</text>`;
  const quarters = [0, 0.25, 0.5, 0.75, 1];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    word(left, 24, 'start', title),
    ...quarters.flatMap((share) => [
      stroke(0, share * mostY, mostX, share * mostY, 'stroke="#ddd"'),
      word(left - 6, placeY(share * mostY), 'end', formatBytes(share * mostY)),
      word(placeX(share * mostX), height - bottom + 18, 'middle', millions(share * mostX)),
    ]),
    word((left + width - right) / 2, height - 12, 'middle', 'million values (rows x columns)'),
    ...(showsLimit ? [stroke(0, limitBytes, mostX, limitBytes, 'stroke="#c33" stroke-dasharray="6 3"')] : []),
    stroke(0, at(line, 0), mostX, at(line, mostX), 'stroke="#36c"'),
    ...points.map(({ x, y }) => `<circle cx="${placeX(x)}" cy="${placeY(y)}" r="4" fill="#36c"/>`),
    '</svg>',
    '',
  ].join('\n');
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

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
