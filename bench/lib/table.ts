/** The table of one set of files, as Markdown. Pure. */
import { standingOf, summarise, YARDSTICK, OURS, type Entry, type Summary } from './summary.ts';
import { endingText, megabytes, ratio, spreadText } from './words.ts';

export const markdownTable = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Every contender a line, in their order: time, memory, and both against `cat` and the verified merge. */
export function comparisonTable(entries: readonly Entry[]): string {
  const summaries = summariesOf(entries);
  const own = summaries.find(({ id }) => id === OURS) ?? null;
  const cat = summaries.find(({ id }) => id === YARDSTICK) ?? null;
  const row = (one: Summary): string[] => {
    const isYardstick = one.id === YARDSTICK;
    const memory = isYardstick ? '' : megabytes(one.peakBytes);
    if (one.failure !== null) return [one.name, endingText(one.failure), memory, '', '', ''];
    return [
      ...[one.name, spreadText(one.wallMs!), memory],
      ...[times(one.wallMs, cat?.wallMs), times(one.wallMs, own?.wallMs)],
      own === null || isYardstick ? '' : ratio(one.peakBytes / own.peakBytes),
    ];
  };
  const head = ['', 'seconds, median (range)', 'peak, MB', 'time, x `cat`', 'time, x `bytes`', 'memory, x `bytes`'];
  return markdownTable(head, summaries.map(row));
}

const times = (a: Summary['wallMs'] | undefined, b: Summary['wallMs'] | undefined): string =>
  a == null || b == null ? '' : ratio(a.median / b.median);

/** How widemerge stands against the peers, in a sentence; null where they were not run. */
export function standingText(entries: readonly Entry[]): string | null {
  const standing = standingOf(summariesOf(entries));
  if (standing === null) return null;
  const { fastest, timeRatio, unverifiedTimeRatio, memoryRatio, peers, lost } = standing;
  if (fastest === null) return `None of the ${peers} others came to an end within the limits.`;
  const besides = unverifiedTimeRatio === null ? '' : ` (${ratio(unverifiedTimeRatio)} times the unverified one)`;
  const ended = lost === 0 ? '' : ` ${lost} of the ${peers} others did not end well.`;
  return `The fastest of the others that came to an end, ${fastest.name}, took ${ratio(timeRatio!)} times as long as the verified merge${besides}, and ${ratio(memoryRatio!)} times its memory.${ended}`;
}

export const summariesOf = (entries: readonly Entry[]): Summary[] =>
  entries.map(summarise).filter((summary) => summary !== null);
