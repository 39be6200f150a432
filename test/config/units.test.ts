import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatCount, formatDuration, parseBytes, parseDuration } from '../../src/config/units.ts';

test('sizes', () => {
  assert.equal(parseBytes('40GiB'), 40 * 2 ** 30);
  assert.equal(parseBytes('1.5 GB'), 1.5e9);
  assert.equal(parseBytes('7B'), 7);
  for (const text of ['', '40', 'GiB', '-1GiB', '1e3MB', '40gib', '40 GiB ', '99999999TiB'])
    assert.equal(parseBytes(text), undefined, text);
});

test('durations', () => {
  assert.equal(parseDuration('30m'), 1_800_000);
  assert.equal(parseDuration('250ms'), 250);
  for (const text of ['', '30', '30min', '-1s', '1M']) assert.equal(parseDuration(text), undefined, text);
});

test('sizes and durations are shown in three figures', () => {
  assert.equal(formatBytes(17), '17 B');
  assert.equal(formatBytes(1.5 * 2 ** 30), '1.50 GiB');
  assert.equal(formatBytes(312 * 2 ** 20), '312 MiB');
  assert.equal(formatBytes(1023 * 2 ** 20), '1.00 GiB');
  assert.equal(formatDuration(830), '0.8 s');
  assert.equal(formatDuration(59_700), '1 min 00 s');
  assert.equal(formatDuration(185_000), '3 min 05 s');
  assert.equal(formatDuration(7_800_000), '2 h 10 min');
});

test('formats counts with their thousands, as Intl does', () => {
  for (const count of [0, 7, 999, 1000, 17_038, 177_748, 1_000_000, Number.MAX_SAFE_INTEGER, -1234])
    assert.equal(formatCount(count), count.toLocaleString('en'));
});
