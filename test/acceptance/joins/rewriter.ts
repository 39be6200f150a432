import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pythonPath } from '../../support/python-env.ts';

export interface Order {
  path: string;
  writer: 'pyarrow' | 'polars';
  rowGroupRows: number;
  variant: number;
  /** Timestamps by their column: unit, and zone where they have one. */
  casts: Record<string, [string, string | null]>;
}

export interface Rewriter extends AsyncDisposable {
  rewrite: (order: Order) => Promise<void>;
}

/** One Python for all files: it takes a second to load what it writes with. */
export async function startRewriter(): Promise<Rewriter> {
  const script = join(import.meta.dirname, '..', '..', 'support', 'rewrite_parquet.py');
  const child = spawn(await pythonPath(), ['-E', '-s', '-B', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    rewrite: async (order) => {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      if ((await lines.next()).done === true) throw new Error(`Python has ended at ${JSON.stringify(order)}`);
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await closed;
    },
  };
}
