import type { BackendName } from '../contract.ts';
import { MergeError, type Backend } from './backend.ts';
import { processBackend } from './process-backend.ts';

export function createBackends(): Record<BackendName, Backend> {
  return {
    // The default: joins aligned column chunks without decoding them, in a few hundred MB.
    local: processBackend('local', 'stitch'),
    // It has steps of its own: bigqueryBackend().
    bigquery: singleStep,
    // The plain SQL join of all files: what one would run instead; it needs the memory for all columns at once.
    duckdb: processBackend('duckdb', 'duckdb'),
  };
}

/** For runs that began when a backend merged in a single step. */
const singleStep: Backend = {
  name: 'bigquery',
  merge: () => {
    const message =
      'backend bigquery was not part of the version that this run began with: start it again, or choose local';
    return Promise.reject(new MergeError({ type: 'BackendUnavailable', message }));
  },
};
