import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDollars, parseDollars } from '../../src/budget/money.ts';

test('amounts are read exactly', () => {
  for (const [text, nanos] of [
    ['25', 25e9],
    ['$25.50', 25_500_000_000],
    ['0.1', 100_000_000],
    ['0.000000001', 1],
    ['1000000', 1e15],
  ] as const)
    assert.equal(parseDollars(text), nanos, text);
  for (const text of ['', '-1', '1e3', '1,50', '.5', '5.', 'NaN', 'Infinity', '0.0000000001', '25 EUR', '$'])
    assert.equal(parseDollars(text), undefined, text);
});

test('amounts are shown in cents at least, with the digits that matter', () => {
  for (const [nanos, text] of [
    [0, '$0.00'],
    [25e9, '$25.00'],
    [143_200_000, '$0.1432'],
    [59_605, '$0.000059605'],
    [1, '$0.000000001'],
    [999_999_999, '$1.00'],
    [18_480_000_000, '$18.48'],
  ] as const)
    assert.equal(formatDollars(nanos), text);
});
