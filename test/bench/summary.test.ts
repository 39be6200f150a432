import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { standingOf, summarise } from '../../bench/lib/summary.ts';
import { comparisonTable, standingText, summariesOf } from '../../bench/lib/table.ts';
import { ENTRIES, run } from './figures.ts';

describe('what the runs of a contender come to', () => {
  it('median and spread of the times, the highest of the peaks', () => {
    const { wallMs, peakBytes, failure } = summarise(ENTRIES[1]!)!;
    assert.deepEqual(wallMs, { median: 4000, least: 4000, most: 5000 });
    assert.equal(peakBytes, 200e6);
    assert.equal(failure, null);
  });

  it('one bad ending is what counts of it, and no time', () => {
    const { wallMs, failure } = summarise(ENTRIES[4]!)!;
    assert.equal(wallMs, null);
    assert.equal(failure?.outcome, 'memory-exhausted');
  });
});

describe('the standing of the peers', () => {
  it('is that of the fastest that ended well in all of its runs', () => {
    const standing = standingOf(summariesOf(ENTRIES))!;
    assert.equal(standing.fastest?.id, 'quick');
    assert.equal(standing.timeRatio, 21 / 4);
    assert.equal(standing.memoryRatio, 15);
    assert.deepEqual([standing.peers, standing.lost], [3, 1]);
    assert.equal(standing.unverifiedTimeRatio, null);
  });

  it('is told against the unverified merge, too, where that was run', () => {
    const unverified = { id: 'widemerge-none', name: 'unverified', runs: [run(3, 100)] };
    assert.equal(standingOf(summariesOf([...ENTRIES, unverified]))?.unverifiedTimeRatio, 7);
    assert.match(
      standingText([...ENTRIES, unverified])!,
      /as the verified merge \(7\.0 times the unverified one\), and/,
    );
  });

  it('has no fastest where none came to its end, and is nothing where the merge itself did not, or no peer ran', () => {
    const lost = ENTRIES.filter(({ id }) => ['widemerge-bytes', 'lost'].includes(id));
    assert.equal(standingOf(summariesOf(lost))?.fastest, null);
    assert.equal(standingText(lost), 'None of the 1 others came to an end within the limits.');
    assert.equal(standingText(ENTRIES.slice(0, 2)), null);
    const failed = { ...ENTRIES[1]!, runs: [run(1, 1, { outcome: 'failed', reason: 'a bug' })] };
    assert.equal(standingText([failed, ENTRIES[2]!]), null);
  });
});

describe('the table', () => {
  const lines = comparisonTable(ENTRIES).split('\n');

  it('has a line for each contender that ran, in their order', () => {
    assert.deepEqual(
      lines.slice(2).map((line) => line.split(' | ')[0]),
      ['| `cat` + fsync', '| widemerge', '| slow', '| quick', '| lost'],
    );
  });

  it('sets times beside those of the yardstick and the merge, and memory beside that of the merge', () => {
    assert.equal(lines[3], '| widemerge | 4.00 (4.00-5.00) | 200 | 2.0 | 1.0 | 1.0 |');
    assert.equal(lines[5], '| quick | 21.0 (20.0-22.0) | 3,000 | 11 | 5.3 | 15 |');
  });

  it('says how one ended that did not end well', () => {
    assert.equal(lines[6], '| lost | killed at the limit of memory after 9.00 s | 4,000 |  |  |  |');
  });
});
