import type { LineResult, Matrix } from './run-matrix.ts';
import type { Verdict } from './readers.ts';

export const READERS = ['pyarrow', 'polars', 'duckdb', 'pandas', 'hyparquet', 'parquet-java'] as const;
const TITLES = ['pyarrow', 'Polars', 'DuckDB', 'pandas', 'hyparquet', 'parquet-java'];
export const REFUSED = 'refused: ';
/** From the best to the worst. */
const MARKS = new Map([
  ['same', '='],
  ['other type', '≈'],
  ['unreadable', '–'],
]);

/** The worst of what a reader says of the outputs; null where there is none. */
function markOf(verdicts: Verdict[]): string | null {
  if (verdicts.length === 0) return null;
  const wrong = verdicts.find((verdict) => !MARKS.has(verdict));
  if (wrong !== undefined) return `≠ ${wrong}`;
  return [...MARKS.entries()].findLast(([verdict]) => verdicts.includes(verdict))![1];
}

/** What is wrong with the lines: where a reader finds other values than in the sources. */
export const defectsOf = ({ lines }: Matrix): string[] =>
  lines.flatMap(({ section, name, verdicts }) =>
    Object.entries(verdicts).flatMap(([reader, own]) => {
      const mark = markOf(own);
      return mark?.startsWith('≠') === true ? [`${section}, ${name}, read by ${reader}: ${mark}`] : [];
    }),
  );

/** One row of the table, by its cells; `refused` gives the words for why a merge was. */
export function cellsOf(
  { name, aligned, misaligned, verdicts }: LineResult,
  refused: (why: string) => string,
): string[] {
  const outcome = (text: string): string => (text.startsWith(REFUSED) ? refused(text.slice(REFUSED.length)) : text);
  return [
    name,
    outcome(aligned),
    outcome(misaligned),
    ...READERS.map((reader) => markOf(verdicts[reader] ?? []) ?? ''),
  ];
}

/** Markdown: a table for each section, with the reasons of what is refused behind it. */
export function renderTables({ lines }: Matrix): string {
  const sections = Map.groupBy(lines, ({ section }) => section);
  return [...sections]
    .map(([section, own]) => {
      const reasons: string[] = [];
      const refused = (why: string): string => {
        if (!reasons.includes(why)) reasons.push(why);
        return `refused (${reasons.indexOf(why) + 1})`;
      };
      const head = [section, 'aligned', 'misaligned', ...TITLES];
      const rows = [head, head.map(() => '---'), ...own.map((line) => cellsOf(line, refused))];
      const table = rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
      const notes = reasons.map((why, i) => `${i + 1}. ${why}`).join('\n');
      return `## ${section}\n\n${table}\n${notes === '' ? '' : `\n${notes}\n`}`;
    })
    .join('\n');
}
