/** Keys of every type that writers have: merged, value for value, or refused by name. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { MergeFailure } from '../../src/merge/errors.ts';
import { runSteps } from '../../src/merge/steps.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';
import { runPythonJson } from '../support/python-env.ts';

/** Null where the files were merged. */
async function refusalOf(dir: string): Promise<string | null> {
  try {
    await runSteps(mergeJob(dir, join(dir, 'merged.out'), { verify: 'full' }), () => undefined);
    return null;
  } catch (error) {
    assert.ok(error instanceof MergeFailure, String(error));
    assert.equal(error.facts.type, 'CheckpointInvalid');
    assert.equal(error.facts.column, 'k');
    return error.message;
  }
}

const REFUSALS: Record<string, RegExp> = {
  bool: /boolean or of fixed length/,
  float16: /boolean or of fixed length/,
  float32: /a floating-point number/,
  float64: /a floating-point number/,
  decimal: /boolean or of fixed length/,
  'decimal as int32': /a decimal or a time/,
  'decimal as int64': /a decimal or a time/,
  binary: /binary, a decimal or a document/,
  fixed: /boolean or of fixed length/,
  uuid: /boolean or of fixed length/,
  json: /binary, a decimal or a document/,
  'time ms': /a decimal or a time/,
  'time us': /a decimal or a time/,
  int96: /a timestamp of the deprecated type INT96/,
  list: /nested or repeated/,
  struct: /nested or repeated/,
  null: /without values/,
};

test('keys of every type by pyarrow are merged, or refused by name', async (t) => {
  const folder = await temporaryFolder(t);
  const written = await runPythonJson<{ type: string; kept: boolean }[]>('key_types.py', ['write', folder]);
  assert.ok(written.length > 40);
  for (const { type, kept } of written) {
    const refusal = await refusalOf(join(folder, type.replace('/', '_')));
    if (kept) assert.equal(refusal, null, type);
    else assert.match(refusal ?? '', new RegExp(`^a\\.parquet: its key k (is )?(${REFUSALS[type]!.source})`), type);
  }
  await runPythonJson('key_types.py', ['check', folder]);
});

const BY_DUCKDB: Record<string, RegExp | null> = {
  'range::TINYINT': null,
  'range::USMALLINT': null,
  '(range + 18446744073709551000)::UBIGINT': null,
  "('a' || range % 3 || range)::VARCHAR": null,
  "DATE '2024-01-01' + range::INTEGER": null,
  "(TIMESTAMP '2024-01-01' + range * INTERVAL 1 MINUTE)::TIMESTAMP_MS": null,
  "(TIMESTAMP '2024-01-01' + range * INTERVAL 1 MINUTE)::TIMESTAMP_NS": null,
  "TIMESTAMPTZ '2024-01-01 00:00:00+00' + range * INTERVAL 1 MINUTE": null,
  "(['small', 'big', 'odd'])[1 + range % 3]::ENUM('small', 'big', 'odd')":
    /has the key k = "(small|big|odd)" more than once/,
  'range::HUGEINT': /is a floating-point number/,
  'range::DECIMAL(4, 1)': /is a decimal or a time/,
  'range::DECIMAL(38, 1)': /is boolean or of fixed length/,
  'uuid()': /is boolean or of fixed length/,
  "TIME '00:00' + range * INTERVAL 1 MINUTE": /is a decimal or a time/,
  'range * INTERVAL 1 DAY': /is boolean or of fixed length/,
  "('x' || range)::BLOB": /is binary/,
};

test('keys of every type by DuckDB are merged, or refused by name', async (t) => {
  const folder = await temporaryFolder(t);
  for (const [index, [key, refusal]] of Object.entries(BY_DUCKDB).entries()) {
    const dir = join(folder, String(index));
    await mkdir(dir);
    await writeParquet({
      [join(dir, 'a.parquet')]: `SELECT ${key} AS k, range AS a FROM range(50)`,
      [join(dir, 'b.parquet')]:
        `SELECT ${key} AS k, range AS b FROM range(90) WHERE range % 3 > 0 ORDER BY hash(range)`,
    });
    const found = await refusalOf(dir);
    if (refusal === null) assert.equal(found, null, key);
    else assert.match(found ?? '', refusal, key);
  }
});
