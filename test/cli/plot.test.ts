import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plotLines, plotSvg, type Curve } from '../../src/cli/plot.ts';

const MIB = 2 ** 20;
const curve: Curve = {
  title: 'pandas on a <&> b',
  points: [10, 20, 30].map((x) => ({ x: x * 1e6, y: (100 + 10 * x) * MIB })),
  line: { intercept: 100 * MIB, slope: (10 * MIB) / 1e6 },
  limitBytes: 450 * MIB,
};

test('a plot for the terminal has all points, the line, the limit where it is near, and both ends of its axes', () => {
  const lines = plotLines(curve);
  const text = lines.join('\n');
  assert.equal(text.match(/●/g)?.length, 3);
  assert.match(text, /·/);
  assert.match(lines[0]!, /^450 MiB │──/);
  assert.match(text, /^ +0 B │/m);
  assert.match(lines.at(-1)!, /30 million values$/);
  assert.doesNotMatch(
    plotLines({ ...curve, limitBytes: 9e12 })
      .slice(0, -2)
      .join(''),
    /─/,
  );
});

test('one that begins below nothing, or is level, is drawn, too', () => {
  for (const line of [
    { intercept: -300 * MIB, slope: 20 },
    { intercept: MIB, slope: 0 },
  ])
    assert.equal(plotLines({ ...curve, line }).length, plotLines(curve).length);
});

test('the same as SVG: well formed, its title as text', () => {
  const svg = plotSvg(curve);
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assert.match(svg, /<\/svg>\n$/);
  assert.match(svg, /pandas on a &lt;&amp;&gt; b/);
  assert.equal(svg.match(/<circle /g)?.length, 3);
  assert.match(svg, /stroke-dasharray/);
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
});
