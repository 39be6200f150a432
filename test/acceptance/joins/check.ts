import fc from 'fast-check';
import { openJudge, type Verdict } from './judge.ts';
import { scenarios, type Sizes } from './scenario.ts';

export interface Joins extends Sizes {
  seed: number;
  runs: number;
}

/** Judges so many scenarios of a seed: how often they ended in which way. A failure names the smallest that fails. */
export async function checkJoins({ seed, runs, ...sizes }: Joins): Promise<Record<Verdict, number>> {
  await using judge = await openJudge();
  const verdicts: Record<Verdict, number> = { 'taken over': 0, 'new rows': 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(scenarios(sizes), async (scenario) => {
      verdicts[await judge.judge(scenario)]++;
    }),
    { seed, numRuns: runs },
  );
  return verdicts;
}
