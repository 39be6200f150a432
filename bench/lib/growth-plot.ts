/** Lines on logarithmic axes, as SVG: for each axis of growth a plot of the time, and one of the memory below it. Pure. */
import { dot, stroke, svgFile, word } from '../../src/cli/svg.ts';
import { logAxis } from './log-axis.ts';

interface Line {
  name: string;
  points: readonly { x: number; y: number }[];
}

export interface Panel {
  title: string;
  /** Seconds. */
  time: Line[];
  /** MB. */
  memory: Line[];
}

const WIDTH = 340;
const HEIGHT = 240;
const LEFT = 52;
const RIGHT = 24;
const HEAD = 56;
const GAP = 46;
const COLOURS: readonly string[] = ['#888', '#2a7', '#36c'];

export function growthSvg(panels: readonly Panel[]): string {
  const height = HEAD + 2 * (HEIGHT + GAP);
  const elements = panels.flatMap(({ title, time, memory }, index) => {
    const left = index * WIDTH;
    return [
      word(left + LEFT, 20, 'start', title, 'font-weight="bold" font-size="11"'),
      // Memory has no line of `cat`: its colours are those of the others.
      ...plot(time, COLOURS, left, HEAD, 'seconds'),
      ...plot(memory, COLOURS.slice(1), left, HEAD + HEIGHT + GAP, 'peak of memory, MB'),
    ];
  });
  return svgFile(WIDTH * panels.length, height, elements);
}

function plot(lines: Line[], colours: readonly string[], left: number, top: number, unit: string): string[] {
  const points = lines.flatMap((line) => line.points);
  if (points.length === 0) return [];
  const [from, to, bottom] = [left + LEFT, left + WIDTH - RIGHT, top + HEIGHT - 30];
  const across = logAxis(
    points.map(({ x }) => x),
    from,
    to,
  );
  const up = logAxis(
    points.map(({ y }) => y),
    bottom,
    top,
  );
  const grey = 'font-size="10" fill="#666"';
  return [
    word(from, top - 22, 'start', unit, 'font-size="11"'),
    ...across.ticks.flatMap((tick) => [
      stroke(across.place(tick), top, across.place(tick), bottom, 'stroke="#eee"'),
      word(across.place(tick), bottom + 14, 'middle', short(tick), grey),
    ]),
    ...up.ticks.flatMap((tick) => [
      stroke(from, up.place(tick), to, up.place(tick), 'stroke="#ddd"'),
      word(from - 5, up.place(tick) + 3, 'end', short(tick), grey),
    ]),
    ...lines.flatMap(({ name, points: own }, index) => {
      const colour = colours[index % colours.length]!;
      const at = own.map(({ x, y }) => ({ x: across.place(x), y: up.place(y) }));
      return [
        ...at.slice(1).map((end, i) => stroke(at[i]!.x, at[i]!.y, end.x, end.y, `stroke="${colour}"`)),
        ...at.map(({ x, y }) => dot(x, y, colour)),
        word(from + 62 + 80 * index, top - 22, 'start', `● ${name}`, `font-size="10" fill="${colour}"`),
      ];
    }),
  ];
}

/** `177.7k`, `0.5`. */
const short = (value: number): string => (value >= 1000 ? `${Number((value / 1000).toPrecision(4))}k` : `${value}`);
