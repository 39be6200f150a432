/** docs/formats.md: its tables stand between two marks, and are those of the matrix. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const PATH = join(import.meta.dirname, '..', '..', 'docs', 'formats.md');
const BEGIN = '<!-- tables: make matrix WRITE=1 -->\n\n';
const END = '\n<!-- end of the tables -->';

export async function readTables(): Promise<string> {
  const { tables } = await readParts();
  return tables;
}

export async function writeTables(tables: string): Promise<void> {
  const { before, after } = await readParts();
  await writeFile(PATH, before + tables + after);
}

async function readParts(): Promise<{ before: string; tables: string; after: string }> {
  const text = await readFile(PATH, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  if (begin < BEGIN.length || end < begin) throw new Error(`${PATH} has not the marks of its tables`);
  return { before: text.slice(0, begin), tables: text.slice(begin, end), after: text.slice(end) };
}

/** The cells of every line of the tables, by section and name. */
export function linesOf(tables: string): Map<string, string[]> {
  const lines = new Map<string, string[]>();
  let section = '';
  for (const line of tables.split('\n')) {
    if (line.startsWith('## ')) section = line.slice(3);
    if (!line.startsWith('| ')) continue;
    const cells = line.slice(2, -2).split(' | ');
    if (cells[0] !== section && cells[0] !== '---') lines.set(`${section}: ${cells[0]!}`, cells);
  }
  return lines;
}
