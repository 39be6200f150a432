import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ClockWatch } from '../../src/guard/clock.ts';
import {
  checkHealth,
  judgeHealth,
  parseMeminfo,
  type HealthFigures,
  type HealthRequest,
} from '../../src/guard/health.ts';
import { temporaryFolder } from './helpers.ts';

const GIB = 1024 ** 3;
const EASY = { minFreeMemoryBytes: 0, maxSwapUsedPercent: 100, minFreeDiskBytes: 0 };

const FIGURES: HealthFigures = {
  ...{ freeMemoryBytes: GIB, swapUsedPercent: 60, freeDiskBytes: 5 * GIB, load1: 9, cores: 2 },
  ...{ leftovers: [], clock: '2026-05-01T00:00:00.000Z', clockStepMs: 0, command: null },
};

const reasons = (changes: Partial<HealthFigures>, request: Partial<HealthRequest> = {}): string[] =>
  judgeHealth(
    { ...FIGURES, ...changes },
    { thresholds: EASY, folder: '/data', neededDiskBytes: 0, machineLock: '/tmp/lock', ...request },
  ).flatMap(({ healthy, says }) => (healthy ? [] : [says]));

test('this machine, against easy and impossible thresholds', async (t) => {
  const folder = temporaryFolder(t);
  const request = { thresholds: EASY, folder, neededDiskBytes: 0, machineLock: `${folder}/lock` };
  const easy = await checkHealth(request);
  assert.deepEqual([easy.healthy, easy.reasons], [true, []]);
  const { freeMemoryBytes, freeDiskBytes, load1, cores, leftovers } = easy.figures;
  assert.ok(freeMemoryBytes > 0 && freeDiskBytes > 0 && load1 >= 0 && cores > 0 && leftovers.length === 0);
  const hard = await checkHealth({
    ...request,
    thresholds: { ...EASY, minFreeMemoryBytes: 2 ** 60 },
    neededDiskBytes: 2 ** 60,
  });
  assert.equal(hard.healthy, false);
  assert.equal(hard.reasons.length, 2);
  await assert.rejects(checkHealth({ ...request, folder: `${folder}/none` }), { code: 'ENOENT' });
});

test('meminfo with and without swap', () => {
  const text = (total: number, free: number): string =>
    `MemTotal: 100 kB\nMemAvailable:   2048 kB\nSwapTotal: ${total} kB\nSwapFree: ${free} kB\n`;
  assert.deepEqual(parseMeminfo(text(400, 100)), { freeMemoryBytes: 2 * 1024 * 1024, swapUsedPercent: 75 });
  assert.equal(parseMeminfo(text(0, 0)).swapUsedPercent, 0);
});

test('each reason says what is there and what is wanted', () => {
  const thresholds = {
    ...{ minFreeMemoryBytes: 2 * GIB, maxSwapUsedPercent: 50, minFreeDiskBytes: 2 * GIB, maxLoadPerCore: 4 },
  };
  assert.deepEqual(reasons({}, { thresholds, neededDiskBytes: 4 * GIB }), [
    'free memory 1.0 GiB, at least 2.0 GiB wanted',
    'swap 60 % used, at most 50 % wanted',
    'free disk 5.0 GiB at /data, 6.0 GiB wanted (4.0 GiB for the merge and 2.0 GiB to spare)',
    'load 9.0 on 2 cores, at most 8.0 wanted (4 a core)',
  ]);
  const leftovers = [{ pid: 7, name: 'python3' }];
  assert.match(reasons({ leftovers })[0]!, /^left over from a merge .*python3 \(pid 7\); end it with: kill -9 7$/);
});

test('no load is too much where no limit was set', () => {
  assert.deepEqual(reasons({ load1: 1e6 }), []);
});

test('a clock before this program is wrong; a step is told by the look that notices it, and by that one alone', () => {
  assert.match(reasons({ clock: '1970-01-01T00:05:00.000Z' })[0]!, /long before this program was written/);
  const watch = new ClockWatch();
  const hour = 3_600_000;
  const looks = [
    ...[watch.look(10 * hour, 0), watch.look(10 * hour + 1000, 1000)],
    ...[watch.look(8 * hour + 2000, 2000), watch.look(8 * hour + 3000, 3000), watch.look(9 * hour + 4000, 4000)],
  ];
  assert.deepEqual(looks, [0, 0, -2 * hour, 0, hour]);
  assert.deepEqual(
    looks.map((clockStepMs) => reasons({ clockStepMs }).length),
    [0, 0, 1, 0, 1],
  );
  assert.equal(
    reasons({ clockStepMs: -7_200_000 })[0],
    'the clock went back by 7200 s since the last look (it was set)',
  );
  assert.deepEqual(reasons({ clockStepMs: 2_000 }), [], 'a correction by a time service');
});
