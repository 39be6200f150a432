/** One merge, killed two hundred times. WIDEMERGE_SOAK_SEED makes the moments the same again. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { killAgainAndAgain } from '../merge/kills/kill-merge.ts';
import { writeMixedPair } from '../merge/kills/mixed-pair.ts';
import { temporaryFolder } from '../support/parquet-by-sql.ts';

const SEED = Number(process.env.WIDEMERGE_SOAK_SEED ?? Date.now() % 1_000_000);

test(
  'a merge that is killed 200 times and resumed each time makes the same bytes',
  { timeout: 3_600_000 },
  async (t) => {
    const folder = await temporaryFolder(t);
    const sources = join(folder, 'sources');
    await mkdir(join(folder, 'undisturbed'));
    await writeMixedPair(sources, { aligned: 30, misaligned: 20, rows: 100_000 });
    t.diagnostic(`seed ${SEED}`);
    const log = (line: string): void => t.diagnostic(line);
    const report = await killAgainAndAgain({ folder, sources, kills: 200, seed: SEED, log });
    t.diagnostic(JSON.stringify(report));
    assert.ok(report.resumed > 20);
  },
);
