import type { Purse } from '../bigquery/purse.ts';
import type { CloudRequest } from '../bigquery/staging-tables.ts';
import type { MergeFigures } from '../payloads.ts';
import type { MergeJob } from '../merge/job.ts';
import { MergeError, type Backend, type MergeContext } from './backend.ts';
import { reserveRead, settleRead, type ReadSums } from './bigquery-read-bill.ts';

export interface FetchedParts extends ReadSums {
  figures: MergeFigures;
}

/** Each halves what the slices may take of memory. */
const NARROWINGS = 3;
/** More than this makes them no wider. */
const WIDEST_BYTES = 2 ** 30;

/**
 * Reads the merged parts back and stitches them, by `merge`, in a guarded process of this machine. The guard's limit stays what
 * it is; where it is reached, the slices get half of what they had, `narrowed` times already at first. Throws
 * MemoryExhausted where that does not help, BudgetRefused, what `merge` throws, and the signal's reason.
 */
export async function fetchParts(
  request: CloudRequest,
  purse: Purse,
  job: MergeJob,
  context: MergeContext,
  { merge, narrowed }: { merge: Backend['merge']; narrowed: number },
): Promise<FetchedParts> {
  await reserveRead(request, purse);
  let figures: MergeFigures | undefined;
  let sums: ReadSums;
  try {
    figures = await narrowing(job, narrowed, (narrower) => merge(narrower, context));
  } finally {
    sums = await settleRead(request, purse);
  }
  return { figures, ...sums };
}

async function narrowing(
  job: MergeJob,
  narrowed: number,
  merge: (job: MergeJob) => Promise<MergeFigures>,
): Promise<MergeFigures> {
  for (let times = Math.min(narrowed, NARROWINGS); ; times++) {
    const memoryBytes =
      times === 0 ? job.memoryBytes : Math.floor(Math.min(job.memoryBytes, WIDEST_BYTES) / 2 ** times);
    try {
      return await merge({ ...job, memoryBytes });
    } catch (error) {
      if (!(error instanceof MergeError) || error.facts.type !== 'MemoryExhausted') throw error;
      if (times < NARROWINGS) continue;
      const size = `${Math.round(memoryBytes / 2 ** 20)} MiB`;
      const message = `what BigQuery has merged cannot be read back, not even with slices for ${size}: ${error.message}; give limits.memory more`;
      throw new MergeError({ ...error.facts, message }, { cause: error });
    }
  }
}
