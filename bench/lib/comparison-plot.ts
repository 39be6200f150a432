/** Time and memory of each contender, side by side on logarithmic axes, as SVG. Pure. */
import { dot, stroke, svgFile, word } from '../../src/cli/svg.ts';
import { logAxis, type LogAxis } from './log-axis.ts';
import { YARDSTICK, type Summary } from './summary.ts';
import { megabytes, seconds } from './words.ts';

export interface ComparisonSet {
  title: string;
  summaries: readonly Summary[];
  memoryBytes: number;
}

const WIDTH = 900;
const ROW = 22;
const HEAD = 62;
const FOOT = 26;
const TIME = { from: 240, to: 500 } as const;
const MEMORY = { from: 590, to: 850 } as const;
const COLOURS = { cat: '#888', ours: '#2a7', peer: '#36c', failed: '#c33' } as const;

/** One panel a set, one below the other. */
export function comparisonSvg(sets: readonly ComparisonSet[]): string {
  let top = 0;
  const panels = sets.map((set) => {
    const [elements, height] = panel(set, top);
    top += height;
    return elements;
  });
  return svgFile(WIDTH, top, panels.flat());
}

function panel({ title, summaries, memoryBytes }: ComparisonSet, top: number): [elements: string[], height: number] {
  const peaks = summaries.filter(({ id }) => id !== YARDSTICK).map(({ peakBytes }) => peakBytes / 1e6);
  const walls = summaries.flatMap(({ wallMs, failure }) =>
    wallMs === null ? [failure!.wallMs] : [wallMs.least, wallMs.most],
  );
  const time = logAxis(
    walls.map((ms) => ms / 1000),
    TIME.from,
    TIME.to,
  );
  const memory = logAxis([...peaks, memoryBytes / 1e6], MEMORY.from, MEMORY.to);
  const bottom = top + HEAD + ROW * summaries.length;
  const rows = summaries.flatMap((summary, index) => row(summary, top + HEAD + ROW * (index + 0.5), time, memory));
  const limit = memory.place(memoryBytes / 1e6);
  const elements = [
    word(12, top + 22, 'start', title, 'font-weight="bold"'),
    ...axis(time, top + HEAD, bottom, 'seconds'),
    ...axis(memory, top + HEAD, bottom, 'peak of memory, MB'),
    stroke(limit, top + HEAD, limit, bottom, `stroke="${COLOURS.failed}" stroke-dasharray="6 3"`),
    ...rows,
  ];
  return [elements, bottom + FOOT - top];
}

function axis({ place, ticks }: LogAxis, top: number, bottom: number, name: string): string[] {
  return [
    word(place(ticks[0]!), top - 20, 'start', name),
    ...ticks.flatMap((tick) => [
      stroke(place(tick), top, place(tick), bottom, 'stroke="#ddd"'),
      word(place(tick), top - 5, 'middle', tick.toLocaleString('en'), 'font-size="10" fill="#666"'),
    ]),
  ];
}

function row({ id, name, wallMs, peakBytes, failure }: Summary, y: number, time: LogAxis, memory: LogAxis): string[] {
  const colour =
    failure !== null
      ? COLOURS.failed
      : id === YARDSTICK
        ? COLOURS.cat
        : id.startsWith('widemerge')
          ? COLOURS.ours
          : COLOURS.peer;
  const mark = ({ place }: LogAxis, value: number, text: string, end = value): string[] => [
    dot(place(value), y, colour),
    word(place(end) + 8, y + 4, 'start', text, `font-size="10" fill="${colour}"`),
  ];
  const range =
    wallMs === null
      ? []
      : [stroke(time.place(wallMs.least / 1000), y, time.place(wallMs.most / 1000), y, `stroke="${colour}"`)];
  const [ms, ending] =
    wallMs === null ? [failure!.wallMs, failure!.outcome === 'timed-out' ? ' not done' : ' lost'] : [wallMs.median, ''];
  return [
    word(12, y + 4, 'start', name.replaceAll('`', '')),
    ...range,
    ...mark(time, ms / 1000, `${seconds(ms)}${ending}`, (wallMs?.most ?? ms) / 1000),
    ...(id === YARDSTICK ? [] : mark(memory, peakBytes / 1e6, megabytes(peakBytes))),
  ];
}
