import { checkMachine } from './check-machine.ts';
import { cleanCheckpoints } from './clean-checkpoints.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { discoverPair } from './discover-pair.ts';
import { listPairs } from './list-pairs.ts';
import { mergeFiles } from './merge-files.ts';
import { publishOutput } from './publish-output.ts';
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
    mergeFiles: mergeFiles(dependencies),
    verifyOutput: verifyOutput(dependencies),
    publishOutput: publishOutput(dependencies),
    cleanCheckpoints: cleanCheckpoints(dependencies),
  };
}

export type Activities = ReturnType<typeof createActivities>;
