import type { MergeFigures } from '../payloads.ts';
import { MergeFailure } from './errors.ts';
import type { Discovery, MergeJob } from './job.ts';
import type { MergePlan } from './plan.ts';
import { inputBytes, outputColumns, realignedBytes } from './plan-merge.ts';

/** What discovery tells of a pair that has not been merged before. */
export function describePlan(plan: MergePlan): Discovery {
  const realigned = plan.aligned.filter((aligned) => !aligned).length;
  return {
    files: plan.checkpoints.length,
    rows: plan.spine.keys.values.length,
    columns: outputColumns(plan),
    rowGroups: plan.spine.rowGroupRows.length,
    aligned: plan.checkpoints.length - realigned,
    realigned,
    bytesIn: inputBytes(plan),
    // The output, and for each rewritten file its part and a view of it while it is written.
    diskBytes: inputBytes(plan) + 2 * realignedBytes(plan),
    alreadyMerged: null,
  };
}

type PlannedFigures =
  'files' | 'rows' | 'columns' | 'aligned' | 'realigned' | 'bytesIn' | 'bytesRewritten' | 'rowGroups';

/** Of the figures of a merge, those that its plan has. */
export function describeMerge(job: MergeJob, plan: MergePlan): Pick<MergeFigures, PlannedFigures> {
  const { files, rows, columns, aligned, realigned, bytesIn } = describePlan(plan);
  const own = isStitched(job) && { bytesRewritten: realignedBytes(plan), rowGroups: describeRowGroups(plan) };
  return { files, rows, columns, aligned, realigned, bytesIn, ...own };
}

/** All but the stitch, of checkpoints or of parts, write row groups of their own. */
const isStitched = ({ engine }: MergeJob): boolean => engine === 'stitch' || engine === 'bigquery';

export function refuseRowGroups(job: MergeJob): void {
  if (job.rowGroupRows !== undefined && !isStitched(job))
    throw new MergeFailure(
      'EngineUnfit',
      `${job.engine} writes row groups of its own, not of ${job.rowGroupRows} rows: take the engine local, or leave out rowGroupRows`,
    );
}

function describeRowGroups({ spine }: MergePlan): NonNullable<MergeFigures['rowGroups']> {
  const { rowGroupRows } = spine;
  return { count: rowGroupRows.length, rowsMost: rowGroupRows.reduce((most, rows) => Math.max(most, rows), 0) };
}
