/**
 * What no flip is made in: the bytes between column chunks, which come along where blocks are shared, and are zeros elsewhere. No checksum
 * covers them, since no reader looks at them: with noise in place of them, all read the same.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseFooter } from '../../../src/merge/parquet/footer.ts';
import { runSteps } from '../../../src/merge/steps.ts';
import { mergeJob } from '../../support/parquet-by-sql.ts';
import { runPythonJson } from '../../support/python-env.ts';
import { writePair } from './pair.ts';

test('no reader looks at the gaps between column chunks, and `verify` does not mind them', async (t) => {
  const { folder, sources } = await writePair(t, { nested: false });
  const output = join(folder, 'merged.parquet');
  const job = mergeJob(sources, output);
  await runSteps(job, () => undefined);
  const right = join(folder, 'right.parquet');
  await cp(output, right);

  const bytes = await readFile(output);
  const footerStart = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
  const { rowGroups } = parseFooter(bytes.subarray(footerStart, -8), bytes.length, output);
  const chunks = rowGroups.flatMap((group) => group.chunks).sort((a, b) => a.start - b.start);
  let gapBytes = 0;
  for (const [i, { start, length }] of chunks.entries()) {
    const gap = bytes.subarray(start + length, chunks[i + 1]?.start ?? footerStart);
    gap.set(randomBytes(gap.length));
    gapBytes += gap.length;
  }
  assert.ok(gapBytes > 4096, `${gapBytes} bytes lie between the chunks`);
  await writeFile(output, bytes);

  await runSteps({ ...job, steps: ['recheck'] }, () => undefined);
  for (const reader of ['pyarrow', 'polars', 'duckdb']) {
    const answer = await runPythonJson<Record<string, [unknown, unknown]>>('read_with.py', [
      reader,
      output,
      '--of',
      right,
    ]);
    const [wanted, found] = answer[right]!;
    assert.ok(JSON.stringify(wanted).includes('n1'), JSON.stringify(wanted));
    assert.deepEqual(found, wanted, reader);
  }
});
