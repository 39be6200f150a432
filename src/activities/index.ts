import { checkMachine } from './check-machine.ts';
import { cleanCheckpoints } from './clean-checkpoints.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { discoverPair } from './discover-pair.ts';
import { endJobs } from './end-jobs.ts';
import { fetchParts } from './fetch-parts.ts';
import { findTables } from './find-tables.ts';
import { leaveTables } from './leave-tables.ts';
import { listPairs } from './list-pairs.ts';
import { mergeFiles } from './merge-files.ts';
import { notify } from './notify.ts';
import { prepareStaging } from './prepare-staging.ts';
import { publishOutput } from './publish-output.ts';
import { queryParts } from './query-parts.ts';
import { stageCheckpoints } from './stage-checkpoints.ts';
import { tidyStaging } from './tidy-staging.ts';
import { verifyOutput } from './verify-output.ts';

/** The activities over their dependencies; workflows import the type alone. */
export function createActivities(dependencies: ActivityDependencies) {
  return {
    /** What a run must know of its server before it begins. */
    readCapabilities: (): Promise<{ searchAttributes: boolean }> =>
      Promise.resolve({ searchAttributes: dependencies.searchAttributesReady() }),
    listPairs: listPairs(),
    discoverPair: discoverPair(dependencies),
    checkMachine: checkMachine(dependencies),
    notify,
    mergeFiles: mergeFiles(dependencies),
    // The backend bigquery, in this order, in place of mergeFiles; the last one once the output is published.
    prepareStaging: prepareStaging(dependencies),
    stageCheckpoints: stageCheckpoints(dependencies),
    queryParts: queryParts(dependencies),
    fetchParts: fetchParts(dependencies),
    endJobs: endJobs(dependencies),
    tidyStaging: tidyStaging(dependencies),
    // Where tables are to stay there: asked before anything is sent, and done once all is merged.
    findTables: findTables(dependencies),
    leaveTables: leaveTables(dependencies),
    verifyOutput: verifyOutput(dependencies),
    publishOutput: publishOutput(dependencies),
    cleanCheckpoints: cleanCheckpoints(dependencies),
  };
}

export type Activities = ReturnType<typeof createActivities>;
