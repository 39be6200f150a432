import type { Backend, MergeContext } from '../backends/backend.ts';
import type { BudgetBooks } from '../backends/bigquery-purse.ts';
import type { BigqueryBackend } from '../backends/bigquery.ts';
import type { AttemptJournal } from '../backends/journal.ts';
import type { MergeProcessResult } from '../backends/merge-process.ts';
import type { BackendName } from '../contract.ts';
import type { HealthReport, HealthRequest } from '../guard/health.ts';
import type { MergeJob } from '../merge/job.ts';
import type { MeasuredCurve } from '../merge/predict/measured-curve.ts';
import type { Machine } from '../merge/predict/shape.ts';

/** What the activities work with; tests hand in their own. */
export interface ActivityDependencies {
  backends: Record<BackendName, Backend>;
  bigquery: BigqueryBackend;
  /** Of the projects that pay for BigQuery. */
  books: BudgetBooks;
  runMergeProcess: (job: MergeJob, context: MergeContext) => Promise<MergeProcessResult>;
  checkHealth: (request: HealthRequest) => Promise<HealthReport>;
  openJournal: (workspaceDir: string) => AttemptJournal;
  /** The machine's lock file: one local merge at a time. */
  machineLock: string;
  /** Memory of this machine (or of the container), bytes. */
  totalMemoryBytes: number;
  machine: Pick<Machine, 'cores' | 'host'>;
  /** What `widemerge profile` has measured on this machine. */
  readCurves: () => Promise<readonly MeasuredCurve[]>;
  /** Whether the server knows this project's search attributes. */
  searchAttributesReady: () => boolean;
}
