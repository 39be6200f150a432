import type { Scenario } from './scenarios.ts';

export interface Played {
  scenario: Scenario;
  passed: number;
  /** Rounds that were to be played; 0 where the fault cannot be made here. */
  rounds: number;
  /** Of a round that passed, at its slowest. */
  slowestMs: number;
}

/** The table of safeguards as Markdown. */
export function safeguardsTable(played: readonly Played[]): string {
  const rows = played.map(({ scenario, passed, rounds, slowestMs }) => {
    const { safeguard, fault, made, goesOn, expected } = scenario;
    const ends = expected.failures.length === 0 ? 'no failure: the attempt is repeated' : expected.failures.join(', ');
    const result = rounds === 0 ? 'not here' : `${passed} of ${rounds}`;
    const time = passed === 0 ? '' : `${(slowestMs / 1000).toFixed(0)} s`;
    return [safeguard, fault, made, ends, goesOn, result, time];
  });
  const head = ['safeguard', 'fault', 'made how', 'ends as', 'goes on with', 'rounds passed', 'slowest'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
