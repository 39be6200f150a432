/** docs/bigquery.md repeats what stands in the code: here it is held to it. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { treatmentOf } from '../../src/bigquery/error-reasons.ts';
import { COST_TERMS } from '../../src/bigquery/estimate.ts';
import { bigquerySchema } from '../../src/config/bigquery-schema.ts';
import { formatDuration, parseDuration } from '../../src/config/units.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8');

let text: string;
before(async () => {
  text = await read('docs/bigquery.md');
});

/** The cells of the table that begins with this heading, below it. */
function rows(heading: string): string[][] {
  const lines = text.slice(text.indexOf(`| ${heading} |`)).split('\n');
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(2, end).map((line) =>
    line
      .slice(2, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

const unquoted = (cell = ''): string => cell.replaceAll('`', '');

test('every error reason, with what is done about it', async () => {
  const source = await read('src/bigquery/error-reasons.ts');
  const known = source.slice(source.indexOf('TREATMENTS: Record'), source.indexOf('const UNKNOWN'));
  const reasons = [...known.matchAll(/^ {2}(\w+): /gm)].map(([, reason]) => reason!);
  assert.ok(reasons.length > 20);
  assert.deepEqual(
    rows('reason').map((cells) => cells.map(unquoted)),
    reasons.map((reason) => {
      const { remedy, failure, advice } = treatmentOf(reason);
      return [reason, remedy, failure, advice];
    }),
  );
});

test('every type, as the code has it', async () => {
  for (const path of ['src/bigquery/types.ts', 'src/bigquery/result-types.ts']) {
    const source = await read(path);
    const own = [...source.matchAll(/^ \* (\|.*\|)$/gm)].map(([, row]) => row!);
    assert.ok(own.length > 5);
    const missing = own.filter((row) => !text.includes(`\n${row}\n`));
    assert.deepEqual(missing, []);
  }
});

test('every term of the bill, and every setting with its default', () => {
  assert.deepEqual(
    rows('term').map(([term]) => unquoted(term)),
    [...COST_TERMS],
  );
  const defaults = Object.entries(bigquerySchema.parse({}));
  const described = new Map(rows('setting').map(([name, value]) => [unquoted(name), unquoted(value)]));
  assert.deepEqual(
    [...described.keys()],
    defaults.map(([name]) => name),
  );
  for (const [name, value] of defaults) {
    const said = described.get(name);
    if (name === 'prices') continue;
    if (name === 'stagingExpires') assert.equal(parseDuration(said ?? ''), value, formatDuration(Number(value)));
    else assert.equal(said, value === null ? 'none' : JSON.stringify(value).replaceAll('"', ''), name);
  }
});

test('Terraform makes what the configuration expects by default', async () => {
  const terraform = await read('deploy/terraform/bigquery.tf');
  const { dataset, outputDataset, location } = bigquerySchema.parse({});
  assert.match(terraform, new RegExp(`variable "dataset" \\{[^}]*default += "${dataset}"`));
  assert.match(terraform, new RegExp(`variable "output_dataset" \\{[^}]*default += "${outputDataset}"`));
  assert.match(terraform, new RegExp(`variable "location" \\{[^}]*default += "${location}"`));
  for (const role of rows('role').map(([name]) => unquoted(name))) assert.ok(terraform.includes(`"${role}"`), role);
});
