import type { BackendName } from '../../contract.ts';
import { realignedShare, valuesOf, type Machine, type PairShape } from './shape.ts';

/** Of a double, a timestamp: what checkpoints are made of. */
const VALUE_BYTES = 8;

/**
 * What a merge needs on the disk of its output at its fullest, bytes, the output included; null where nothing is known of it. Outputs are
 * taken to be as large as their checkpoints: those of other writers are mostly smaller. Where the file system clones, `local` takes less.
 */
export function predictDiskBytes(engine: BackendName, shape: PairShape, { memoryBytes }: Machine): number | null {
  const { bytesIn } = shape;
  switch (engine) {
    case 'local':
      // A part for each file that is rewritten, and a view of it meanwhile.
      return Math.round(bytesIn * (1 + 2 * realignedShare(shape)));
    case 'bigquery':
    case 'dask':
      // Parts, which become the output; of dask also what its workers have no room for.
      return 2 * bytesIn + (engine === 'dask' ? Math.max(0, VALUE_BYTES * valuesOf(shape) - memoryBytes) : 0);
    case 'duckdb':
    case 'polars':
    case 'pandas':
      return bytesIn;
    case 'command':
      return null;
  }
}
