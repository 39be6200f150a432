import type { Backend, MergeContext } from '../backends/backend.ts';
import type { AttemptJournal } from '../backends/journal.ts';
import type { BackendName, CleanMode, MergeFigures, RunConfig } from '../contract.ts';
import type { HealthReport } from '../guard/health.ts';
import type { CleanReceipt } from '../merge/clean.ts';
import type { Discovery, MergeJob } from '../merge/job.ts';

/** What the activities work with; tests hand in their own. */
export interface ActivityDependencies {
  backends: Record<BackendName, Backend>;
  runMergeProcess: (job: MergeJob, context: MergeContext) => Promise<{ discovery?: Discovery; figures?: MergeFigures }>;
  checkHealth: (thresholds: RunConfig['health'], folder: string, neededDiskBytes: number) => Promise<HealthReport>;
  cleanSources: (outputPath: string, mode: CleanMode, dir: string) => Promise<CleanReceipt>;
  openJournal: (workspaceDir: string) => AttemptJournal;
  /** The machine's lock file: one local merge at a time. */
  machineLock: string;
  /** Memory of this machine (or of the container), bytes. */
  totalMemoryBytes: number;
  /** Whether the server knows this project's search attributes. */
  searchAttributesReady: () => boolean;
}
