/** `make matrix`: runs every line of docs/formats.md and prints its tables; `WRITE=1` puts them into the page. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeTables } from './document.ts';
import { defectsOf, renderTables } from './render-table.ts';
import { runMatrix } from './run-matrix.ts';

const folder = await mkdtemp(join(tmpdir(), 'widemerge-matrix-'));
try {
  const matrix = await runMatrix(folder, (line) => console.error(line));
  const tables = renderTables(matrix);
  process.stdout.write(tables);
  const defects = defectsOf(matrix);
  for (const defect of defects) console.error(defect);
  if (defects.length > 0) process.exitCode = 1;
  else if (process.argv.includes('--write')) {
    if (!matrix.java) throw new Error('the page has lines of parquet-java: it is written where Java and Maven are');
    await writeTables(tables);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
