/**
 * Puts the results of the benches (`bench/results/NAME.json`) where people read them: in README.md and docs/measured.md, between
 * `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`. A name that has no results yet keeps what stands there.
 *
 *   node bench/show.ts [--check]
 *
 * --check changes nothing, and fails where a text is not that of its results.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '../src/cli/exit.ts';
import { filesystemsMarkdown, type FilesystemResult } from './lib/filesystems-table.ts';
import { growthMarkdown, type GrowthResult } from './lib/growth-result.ts';
import { main } from './lib/main.ts';
import { readersMarkdown, type ReadersResult } from './lib/readers-table.ts';
import { RESULTS, resultMarkdown, type BenchResult } from './lib/results.ts';
import { fillSections } from './lib/sections.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGES = ['README.md', 'docs/measured.md'];
const MARKDOWN = {
  small: { of: (json: unknown) => resultMarkdown(json as BenchResult), hasPlot: true },
  'small-xfs': { of: (json: unknown) => resultMarkdown(json as BenchResult), hasPlot: false },
  full: { of: (json: unknown) => resultMarkdown(json as BenchResult), hasPlot: true },
  growth: { of: (json: unknown) => growthMarkdown(json as GrowthResult), hasPlot: true },
  'filesystems-full': { of: (json: unknown) => filesystemsMarkdown(json as FilesystemResult), hasPlot: false },
  readers: { of: (json: unknown) => readersMarkdown(json as ReadersResult), hasPlot: false },
};

await main(async () => {
  const { check } = parseArgs({ options: { check: { type: 'boolean', default: false } } }).values;
  for (const page of PAGES) {
    const path = join(ROOT, page);
    const text = await readFile(path, 'utf8');
    const filled = fillSections(text, await sectionsFor(path));
    if (filled === text) continue;
    if (check) throw new UsageError(`${page} is not what bench/results/ has; node bench/show.ts brings it up to date`);
    await writeFile(path, filled);
    console.log(`${page} has the figures of bench/results/ now`);
  }
});

async function sectionsFor(page: string): Promise<Map<string, string>> {
  const sections = new Map<string, string>();
  for (const [name, { of, hasPlot }] of Object.entries(MARKDOWN)) {
    const json = await readFile(join(RESULTS, `${name}.json`), 'utf8').catch(() => null);
    if (json === null) continue;
    const plot = relative(dirname(page), join(RESULTS, `${name}.svg`));
    sections.set(name, of(JSON.parse(json)) + (hasPlot ? `\n![the same as a plot](${plot})\n` : ''));
  }
  return sections;
}
