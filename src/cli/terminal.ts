import { createRequire } from 'node:module';
import type * as LogUpdate from 'log-update';

/** Somewhere to show progress: redrawn in place on a terminal, plain lines elsewhere. */
export interface Display {
  /** The lines to see now. Off a terminal they are dropped: say what has changed with `line` instead. */
  draw(lines: string[]): void;
  /** A line that stays. */
  line(text: string): void;
  /** Takes the drawn lines away, or leaves their last state. */
  end(keep: boolean): void;
  readonly live: boolean;
  /** Lines that can be drawn. */
  height(): number;
}

export function openDisplay(stream: NodeJS.WriteStream): Display {
  if (!stream.isTTY)
    return {
      height: () => Infinity,
      draw: () => undefined,
      line: (text) => stream.write(`${text}\n`),
      end: () => undefined,
      live: false,
    };
  // Loaded only here: most merges have no terminal, and its tables of characters take 20 ms.
  const { createLogUpdate } = createRequire(import.meta.url)('log-update') as typeof LogUpdate;
  const update = createLogUpdate(stream);
  return {
    draw: (lines) => update(lines.map((line) => cut(line, stream.columns)).join('\n')),
    line: (text) => update.persist(text),
    end: (keep) => {
      if (!keep) update.clear();
      update.done();
    },
    live: true,
    // One line less than the terminal has, for the cursor.
    height: () => stream.rows - 1,
  };
}

/** A redrawn line that wraps would spoil the redrawing. */
function cut(line: string, columns: number): string {
  return columns > 0 && line.length >= columns ? `${line.slice(0, Math.max(1, columns - 2))}…` : line;
}

/** `██████░░░░` of `width` characters. */
export function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** Columns padded to their widest cell; cells of numbers (and the headings above them) to the right. */
export function table(heading: string[], rows: string[][]): string[] {
  const all = [heading, ...rows];
  const widths = heading.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const right = heading.map((_, column) => {
    const cells = rows.map((row) => row[column] ?? '').filter((cell) => cell !== '');
    return cells.length > 0 && cells.every((cell) => /^\$?\d[\d.,]*( [a-zA-Z]+)?( \d+ [a-z]+)?$/.test(cell));
  });
  return all.map((row) =>
    row
      .map((cell, column) =>
        right[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

/** A word as it can be pasted into a shell. */
export function shellWord(text: string): string {
  return /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
