import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { comparisonSvg } from '../../bench/lib/comparison-plot.ts';
import { exponent, growthMarkdown, growthPlot, type GrowthResult } from '../../bench/lib/growth-result.ts';
import { logAxis } from '../../bench/lib/log-axis.ts';
import { summariesOf } from '../../bench/lib/table.ts';
import { ENTRIES, run } from './figures.ts';

const assertSvg = (svg: string): void => {
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assert.match(svg, /<\/svg>\n$/);
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
};

describe('a logarithmic axis', () => {
  it('reaches over all values, with ticks at its ends', () => {
    const { place, ticks } = logAxis([3, 70], 100, 200);
    assert.deepEqual(ticks, [2, 5, 10, 20, 50, 100]);
    assert.equal(place(2), 100);
    assert.equal(place(100), 200);
    assert.ok(place(3) > 100 && place(70) < 200);
  });

  it('has powers of ten alone where it is long, and a length where there is one value only', () => {
    assert.deepEqual(logAxis([0.02, 900], 0, 1).ticks, [0.01, 0.1, 1, 10, 100, 1000]);
    const { place, ticks } = logAxis([10], 0, 100);
    assert.ok(ticks.length > 1);
    assert.ok(Number.isFinite(place(10)));
  });
});

it('a comparison as SVG has two dots a line, but one for the yardstick, which has no memory to speak of', () => {
  const svg = comparisonSvg([{ title: 'a < b', summaries: summariesOf(ENTRIES), memoryBytes: 8e9 }]);
  assertSvg(svg);
  assert.match(svg, /a &lt; b/);
  assert.equal(svg.match(/<circle /g)?.length, 9);
});

describe('growth', () => {
  const at = (files: number, seconds: number, megabytes: number) => ({
    shape: { files, columns: 4 * files, rows: 2000 },
    bytesIn: files * 1e6,
    entries: ['cat', 'widemerge-none', 'widemerge-bytes'].map((id) => ({
      id,
      name: id,
      runs: [run(seconds, megabytes)],
    })),
  });
  const result: GrowthResult = {
    ...{ command: 'node bench/growth.ts', measuredAt: '', memoryBytes: 8e9 },
    machine: { processor: 'any', cores: 2, memoryBytes: 8e9, kernel: '6.1.0', fileSystem: 'ext4', node: 'v24' },
    series: [{ axis: 'files', points: [at(100, 1, 100), at(1000, 10, 100), at(2000, 40, 150)] }],
  };

  it('is an exponent between two points', () => {
    assert.equal(exponent(10, 7, 20, 7), 0);
    assert.equal(exponent(10, 7, 20, 14), 1);
    assert.equal(exponent(10, 1, 100, 100), 2);
  });

  it('is told a line a point, from the second on with its exponents', () => {
    const lines = growthMarkdown(result).trim().split('\n');
    assert.equal(lines.at(-3), '| 100 | 0.10 | 1.00 | 1.00 | 1.00 |  | 100 |  |');
    assert.equal(lines.at(-2), '| 1,000 | 1.00 | 10.0 | 10.0 | 10.0 | 1.00 | 100 | 0.00 |');
    assert.equal(lines.at(-1), '| 2,000 | 2.00 | 40.0 | 40.0 | 40.0 | 2.00 | 150 | 0.58 |');
  });

  it('as SVG: time of three, memory of two', () => {
    const svg = growthPlot(result);
    assertSvg(svg);
    assert.equal(svg.match(/<circle /g)?.length, 15);
  });
});
