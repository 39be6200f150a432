/** What bench/filesystems.ts has measured, and how it is read. Pure. */
import type { Shape } from './checkpoints.ts';
import { machineText, type MachineFacts } from './machine.ts';
import { summarise, YARDSTICK, type Entry } from './summary.ts';
import { markdownTable } from './table.ts';
import { endingText, megabytes, ratio, shapeText, spreadText } from './words.ts';

export interface FilesystemSet {
  /** Type of the file system. */
  kind: string;
  shape: Shape;
  bytesIn: number;
  entries: Entry[];
  /** By id of an entry: bytes by which the disk's free space became less; the most of all rounds. */
  takenBytes: Record<string, number>;
}

export interface FilesystemResult {
  /** That makes it again. */
  command: string;
  measuredAt: string;
  /** Its file system is the one that the images lie on. */
  machine: MachineFacts;
  sets: FilesystemSet[];
}

export function filesystemsMarkdown({ command, machine, sets }: FilesystemResult): string {
  const [first] = sets;
  const files = first === undefined ? '' : `${shapeText(first.shape)}, ${(first.bytesIn / 1e9).toFixed(2)} GB. `;
  const head = ['', '', 'seconds, median (range)', 'x `cat`', 'peak, MB', 'disk taken, MB', '% of the files'];
  const intro = `${files}\`${command}\`: ${machineText(machine)}; each file system in an image file there.`;
  return `${intro}\n\n${markdownTable(head, sets.flatMap(rowsOf))}\n`;
}

function rowsOf({ kind, entries, takenBytes, bytesIn }: FilesystemSet): string[][] {
  const summaries = entries.map(summarise).filter((summary) => summary !== null);
  const cat = summaries.find(({ id }) => id === YARDSTICK)?.wallMs ?? null;
  return summaries.map(({ id, name, wallMs, peakBytes, failure }) => {
    if (wallMs === null) return [kind, name, failure === null ? '' : endingText(failure), '', '', '', ''];
    const taken = takenBytes[id];
    return [
      ...[kind, name, spreadText(wallMs), cat === null ? '' : ratio(wallMs.median / cat.median)],
      id === YARDSTICK ? '' : megabytes(peakBytes),
      ...(taken === undefined ? ['', ''] : [megabytes(taken), ((100 * taken) / bytesIn).toFixed(1)]),
    ];
  });
}
