/** Each line of docs/formats.md is so: what is copied, rewritten or refused, and what every reader makes of it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { linesOf, readTables } from './document.ts';
import { cellsOf, defectsOf, READERS, renderTables } from './render-table.ts';
import { runMatrix } from './run-matrix.ts';

const JAVA = READERS.indexOf('parquet-java');

test('the matrix of writers, codecs, encodings, types and readers is that of the docs', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'widemerge-matrix-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const matrix = await runMatrix(folder, (line) => t.diagnostic(line));
  t.diagnostic(`${matrix.lines.length} lines`);
  assert.deepEqual(defectsOf(matrix), []);
  const tables = await readTables();
  if (matrix.java) {
    assert.equal(renderTables(matrix), tables);
    return;
  }
  // Without it its lines and its column are missing, and the notes have other numbers.
  const inDocs = linesOf(tables.replaceAll(/refused \(\d+\)/g, 'refused'));
  const withoutJava = (cells: string[]): string[] => cells.filter((_, i) => i !== cells.length - READERS.length + JAVA);
  for (const line of matrix.lines) {
    const cells = inDocs.get(`${line.section}: ${line.name}`);
    assert.ok(cells !== undefined, `${line.name} is not in the docs`);
    assert.deepEqual(withoutJava(cellsOf(line, () => 'refused')), withoutJava(cells));
  }
});
