/** Every line of docs/formats.md: written by the real writers, merged aligned and misaligned, read by the real readers. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runPythonJson } from '../support/python-env.ts';
import { KEY, mergeLine, type Merged, type WrittenLine } from './merge-line.ts';
import { ParquetJava } from './parquet-java.ts';
import { readWithHyparquet } from './read-with-hyparquet.ts';
import type { ReadTask, Verdict } from './readers.ts';

export interface LineResult {
  section: string;
  name: string;
  aligned: string;
  misaligned: string;
  /** By reader, of both outputs; none where both merges were refused. */
  verdicts: Record<string, Verdict[]>;
}

export interface Matrix {
  lines: LineResult[];
  /** Whether parquet-java was there, as a writer and as a reader. */
  java: boolean;
}

const SECTIONS = ['Writers', 'Codecs', 'Encodings', 'Types', 'Indexes, statistics, metadata', 'Keys'];
const TIMEOUT_MS = 300_000;

/** In an empty folder. Throws where a merge ends as none may. */
export async function runMatrix(folder: string, log: (line: string) => void): Promise<Matrix> {
  const java = await ParquetJava.find(log);
  await mkdir(join(folder, 'java'));
  const [ofPython, ofJava] = await Promise.all([
    runPythonJson<WrittenLine[]>('write_formats.py', [join(folder, 'python')], { timeoutMs: TIMEOUT_MS }),
    java?.write(join(folder, 'java')) ?? [],
  ]);
  const written = SECTIONS.flatMap((section) => [...ofPython, ...ofJava].filter((line) => line.section === section));
  const merged: { line: WrittenLine; ways: Merged[] }[] = [];
  for (const line of written)
    merged.push({ line, ways: [await merge(line, 'aligned'), await merge(line, 'misaligned')] });
  const outputs = merged.flatMap(({ ways }) => ways.filter(({ output }) => output !== null));
  const verdicts = await readAll(
    folder,
    outputs.map(({ output, sources }) => ({ output: output!, sources })),
    java,
  );
  const lines = merged.map(({ line: { section, name }, ways }) => ({
    section,
    name,
    aligned: ways[0]!.outcome,
    misaligned: ways[1]!.outcome,
    verdicts: Object.fromEntries(
      Object.entries(verdicts).map(([reader, all]) => [reader, ways.flatMap((way) => all[outputs.indexOf(way)] ?? [])]),
    ),
  }));
  return { lines, java: java !== null };
}

async function merge(line: WrittenLine, way: Merged['way']): Promise<Merged> {
  try {
    return await mergeLine(line, way);
  } catch (error) {
    throw new Error(`${line.section}, ${line.name}, ${way}: ${String(error)}`, { cause: error });
  }
}

async function readAll(
  folder: string,
  tasks: ReadTask[],
  java: ParquetJava | null,
): Promise<Record<string, Verdict[]>> {
  const list = join(folder, 'tasks');
  await writeFile(list, tasks.map(({ output, sources }) => `${[output, ...sources].join('\t')}\n`).join(''));
  const [ofPython, hyparquet, ofJava] = await Promise.all([
    runPythonJson<Record<string, Verdict[]>>('read_formats.py', [KEY, list], { timeoutMs: TIMEOUT_MS }),
    readWithHyparquet(tasks),
    java?.compare(list),
  ]);
  return { ...ofPython, hyparquet, ...(ofJava !== undefined && { 'parquet-java': ofJava }) };
}
