import type { AlignDatabase } from './align.ts';

export interface SharedDatabase {
  /** For one at a time. */
  use: <T>(work: (database: AlignDatabase) => Promise<T>) => Promise<T>;
  close: () => Promise<void>;
}

/** One database for all who need one, each in turn, opened for the first of them: most merges need none. */
export function shareDatabase(dir: string, memoryBytes: number, signal: AbortSignal | undefined): SharedDatabase {
  let database: AlignDatabase | null = null;
  let last: Promise<unknown> = Promise.resolve();
  const open = async (): Promise<AlignDatabase> => {
    const { openAlignDatabase } = await import('./align.ts');
    return (database ??= await openAlignDatabase(dir, memoryBytes, signal));
  };
  return {
    use<T>(work: (database: AlignDatabase) => Promise<T>): Promise<T> {
      const turn = last.then(async () => {
        signal?.throwIfAborted();
        return work(database ?? (await open()));
      });
      last = turn.catch(() => undefined);
      return turn;
    },
    async close(): Promise<void> {
      await last;
      database?.close();
    },
  };
}
