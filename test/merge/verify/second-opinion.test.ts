import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readFooterOf, type Footer } from '../../../src/merge/parquet/footer.ts';
import { checkBySecondParser } from '../../../src/merge/verify/second-opinion.ts';
import { temporaryFolder, writeParquet } from '../../support/parquet-by-sql.ts';

test('the other parser reads the same; each thing that it reads otherwise is a mismatch', async (t) => {
  const path = join(await temporaryFolder(t), 'x.parquet');
  await writeParquet({ [path]: `SELECT i AS k, i::DOUBLE AS "a ü", {'b': i, 'c': 'x'} AS s FROM range(1000) t(i)` });
  await using file = await open(path);
  const footer = await readFooterOf(file, 'x');
  await checkBySecondParser(file, footer);
  const [group] = footer.rowGroups;
  const [first, ...others] = group!.chunks;
  const [column, ...columns] = footer.columns;
  for (const other of [
    { rows: 999 },
    { columns },
    { columns: [{ ...column!, name: 'l' }, ...columns] },
    { rowGroups: [] },
    { rowGroups: [{ ...group!, chunks: others }] },
    { rowGroups: [{ ...group!, chunks: [{ ...first!, start: first!.start + 1 }, ...others] }] },
    { rowGroups: [{ ...group!, chunks: [{ ...first!, length: first!.length - 1 }, ...others] }] },
  ] satisfies Partial<Footer>[])
    await assert.rejects(checkBySecondParser(file, { ...footer, ...other }), /two parsers/);
});
