import { COMMAND_FAULTS } from './commands.ts';
import { MERGE_FAULTS } from './merges.ts';
import type { Fault, Scene } from './scene.ts';

export const FAULTS: readonly Fault[] = [...COMMAND_FAULTS, ...MERGE_FAULTS];

/** One of a slow fault in so many rounds. */
const SLOW_EVERY = 8;

/** In an order of its own: the quick faults, and as many of the slow ones as are drawn. */
export function drawRound({ draw }: Scene): Fault[] {
  const round = FAULTS.filter(({ isSlow }) => !isSlow || draw(1, SLOW_EVERY) === 1);
  for (let last = round.length - 1; last > 0; last--) {
    const other = draw(0, last);
    [round[last], round[other]] = [round[other]!, round[last]!];
  }
  return round;
}

/** Throws where not that came of it which must, and says which fault it was. */
export async function makeFault(scene: Scene, { what, make }: Fault): Promise<void> {
  try {
    await make(scene);
  } catch (error) {
    throw new Error(what, { cause: error });
  }
}
