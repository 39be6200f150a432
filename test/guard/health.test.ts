import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkHealth, judgeHealth, parseMeminfo } from '../../src/guard/health.ts';
import { temporaryFolder } from './helpers.ts';

const EASY = { minFreeMemoryBytes: 0, maxSwapUsedPercent: 100, minFreeDiskBytes: 0 };

test('this machine, against easy and impossible thresholds', async (t) => {
  const folder = temporaryFolder(t);
  const easy = await checkHealth(EASY, folder, 0);
  assert.deepEqual([easy.healthy, easy.reasons], [true, []]);
  assert.ok(easy.figures.freeMemoryBytes > 0 && easy.figures.freeDiskBytes > 0 && easy.figures.load1 >= 0);
  const hard = await checkHealth({ ...EASY, minFreeMemoryBytes: 2 ** 60 }, folder, 2 ** 60);
  assert.equal(hard.healthy, false);
  assert.equal(hard.reasons.length, 2);
  await assert.rejects(checkHealth(EASY, `${folder}/none`, 0), { code: 'ENOENT' });
});

test('meminfo with and without swap', () => {
  const text = (total: number, free: number): string =>
    `MemTotal: 100 kB\nMemAvailable:   2048 kB\nSwapTotal: ${total} kB\nSwapFree: ${free} kB\n`;
  assert.deepEqual(parseMeminfo(text(400, 100)), { freeMemoryBytes: 2 * 1024 * 1024, swapUsedPercent: 75 });
  assert.equal(parseMeminfo(text(0, 0)).swapUsedPercent, 0);
});

test('each reason says what is there and what is wanted', () => {
  const gib = 1024 ** 3;
  const figures = { freeMemoryBytes: gib, swapUsedPercent: 60, freeDiskBytes: 5 * gib, load1: 0 };
  const thresholds = { minFreeMemoryBytes: 2 * gib, maxSwapUsedPercent: 50, minFreeDiskBytes: 2 * gib };
  assert.deepEqual(judgeHealth(figures, thresholds, '/data', 4 * gib), [
    'free memory 1.0 GiB, at least 2.0 GiB wanted',
    'swap 60 % used, at most 50 % wanted',
    'free disk 5.0 GiB at /data, 6.0 GiB wanted (4.0 GiB for the merge and 2.0 GiB to spare)',
  ]);
});
