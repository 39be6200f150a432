import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * A full garbage collection. Before the first one V8 lets the heap grow as it likes, and chance has it that this comes early: at full size the merge
 * process takes 214 to 227 MB with it, and up to 246 without; afterwards the heap grows with what lives in it. V8's own flag for that,
 * `--initial-old-space-size`, costs every start 15 ms: what is compiled of Node comes along only for the flags that Node was built with.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  collect();
}
