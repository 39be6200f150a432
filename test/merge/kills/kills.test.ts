import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '../../support/parquet-by-sql.ts';
import { killAgainAndAgain } from './kill-merge.ts';
import { writeMixedPair } from './mixed-pair.ts';

test('a merge that is killed 20 times and resumed each time makes the same bytes', { timeout: 600_000 }, async (t) => {
  const folder = await temporaryFolder(t);
  const sources = join(folder, 'sources');
  await mkdir(join(folder, 'undisturbed'));
  await writeMixedPair(sources, { aligned: 8, misaligned: 5, rows: 36_000 });
  const report = await killAgainAndAgain({ folder, sources, kills: 20, seed: 20, log: (line) => t.diagnostic(line) });
  t.diagnostic(JSON.stringify(report));
  assert.ok(report.resumed > 0, 'parts of an earlier attempt were there');
});
