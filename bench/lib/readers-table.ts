/** What the bench of readers leaves. Pure. */
import type { Shape } from './checkpoints.ts';
import { machineText, type MachineFacts } from './machine.ts';
import type { Measurement } from './measure.ts';
import { spreadOf } from './statistics.ts';
import { markdownTable } from './table.ts';
import type { WideFile } from './wide-files.ts';
import { endingText, megabytes, shapeText, spreadText } from './words.ts';

export interface ReadersResult {
  command: string;
  measuredAt: string;
  machine: MachineFacts;
  /** The versions of the readers. */
  peers: string[];
  shape: Shape;
  /** How many are read. */
  columns: number;
  files: WideFile[];
  readings: Reading[];
}

/** One reader, of one file. */
export interface Reading {
  reader: string;
  /** The id of the file. */
  file: string;
  runs: Measurement[];
}

export function readersMarkdown({ command, machine, peers, shape, columns, files, readings }: ReadersResult): string {
  const name = (id: string): string => files.find((file) => file.id === id)!.name;
  const sizes = files.map(
    (file) =>
      `${file.name} ${(file.bytes / 1e9).toFixed(2)} GB in ${file.rowGroups} row group${file.rowGroups > 1 ? 's' : ''}`,
  );
  const rows = readings.map(({ reader, file, runs }) => [reader, `by ${name(file)}`, ...figures(runs)]);
  return [
    `\`${command}\`: ${machineText(machine)}; ${peers.join(', ')}.`,
    `**${columns} columns of ${shapeText(shape)}**, in the page cache; the file by ${sizes.join(', by ')}.`,
    markdownTable(['reader', 'file', 'seconds of the read, median (range)', 'with its start', 'peak, MB'], rows),
  ]
    .map((part) => `${part}\n`)
    .join('\n');
}

function figures(runs: Measurement[]): string[] {
  const peak = megabytes(Math.max(...runs.map(({ peakBytes }) => peakBytes)));
  const failure = runs.find(({ outcome }) => outcome !== 'succeeded');
  if (failure !== undefined) return [endingText(failure), '', peak];
  const reads = spreadOf(runs.map(({ toldMs, wallMs }) => toldMs ?? wallMs));
  return [spreadText(reads), spreadText(spreadOf(runs.map(({ wallMs }) => wallMs))), peak];
}
