import { pairNames } from '../samples/pairs.ts';
import { closingLines, NEXT_LINES } from './closing.ts';
import type { Play } from './play.ts';
import { MISALIGNED_PAIR, Script } from './script.ts';
import type { Stage } from './stage.ts';
import { placeConfig, writeStageSamples } from './stage.ts';

/** Its last checkpoint is cut off, as by a full disk. */
const BROKEN_PAIR = 'CADJPY';
const SHAPE = { files: 24, columns: 25, rows: 2_000, seed: 7 };

/** `widemerge demo`: all pairs by the local engine, with a pause, a killed worker and a broken pair. */
export const tour: Play<Stage> = {
  async setStage(folder, display) {
    const config = await placeConfig('demo.yaml', folder);
    const pairs = pairNames(27);
    await writeStageSamples(config.root, display, [
      { ...SHAPE, pairs, misaligned: { share: 0.5, pairs: [MISALIGNED_PAIR] }, broken: [BROKEN_PAIR] },
    ]);
    display.line(`  ${MISALIGNED_PAIR} has files with missing rows, in another order, and with shifted times`);
    display.line(`  ${BROKEN_PAIR} has a checkpoint that is cut off in the middle`);
    return { folder, config, pairs, environment: {}, [Symbol.asyncDispose]: () => Promise.resolve() };
  },
  script: (parts) => new Script(parts),
  closingLines: ({ last, seconds }) => Promise.resolve([...closingLines(last, seconds), ...NEXT_LINES]),
  checkOutcome(result, stage, script) {
    const aside = result.setAside.map(({ pair }) => pair).join(', ');
    if (result.merged.length !== stage.pairs.length - 1 || aside !== BROKEN_PAIR)
      throw new Error(`expected all pairs but ${BROKEN_PAIR} to be merged; set aside: ${aside || 'none'}`);
    if (!script.isOver) throw new Error('the run ended before the worker could be killed');
  },
};
