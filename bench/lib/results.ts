/** What a bench leaves in `bench/results/`: NAME.json has all, NAME.md and NAME.svg show it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { comparisonSvg } from './comparison-plot.ts';
import { machineText, type MachineFacts } from './machine.ts';
import type { SetResult } from './measure-set.ts';
import { comparisonTable, standingText, summariesOf } from './table.ts';
import { megabytes, shapeText } from './words.ts';

export const RESULTS = join(import.meta.dirname, '..', 'results');

export interface BenchResult {
  /** That makes it again. */
  command: string;
  measuredAt: string;
  machine: MachineFacts;
  /** The versions of the peers. */
  peers: string[];
  memoryBytes: number;
  timeoutMs: number;
  sets: SetResult[];
}

/** What there is to be read of it: command, machine, and a table for each set. Pure. */
export function resultMarkdown({ command, machine, peers, memoryBytes, sets }: BenchResult): string {
  const intro = `\`${command}\`: ${machineText(machine)}; ${peers.join(', ')}; each under a limit of ${megabytes(memoryBytes)} MB.`;
  const tables = sets.flatMap((set) => [
    `**${setTitle(set)}**`,
    comparisonTable(set.entries),
    ...[standingText(set.entries)].filter((text) => text !== null),
  ]);
  return `${[intro, ...tables].join('\n\n')}\n`;
}

const setTitle = ({ shape, bytesIn }: SetResult): string => `${shapeText(shape)}, ${(bytesIn / 1e9).toFixed(2)} GB`;

export const resultSvg = ({ sets, memoryBytes }: BenchResult): string =>
  comparisonSvg(sets.map((set) => ({ title: setTitle(set), summaries: summariesOf(set.entries), memoryBytes })));

/** Writes NAME.json and so on into the folder, which is made. */
export async function writeFiles(folder: string, name: string, files: Partial<Record<'json' | 'md' | 'svg', string>>) {
  await mkdir(folder, { recursive: true });
  for (const [ending, text] of Object.entries(files)) await writeFile(join(folder, `${name}.${ending}`), text);
}
