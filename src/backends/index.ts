import type { BackendName } from '../contract.ts';
import type { Backend } from './backend.ts';
import { bigqueryBackend } from './bigquery.ts';
import { processBackend } from './process-backend.ts';

export function createBackends(): Record<BackendName, Backend> {
  return {
    // The default: joins aligned column chunks without decoding them, in a few hundred MB.
    local: processBackend('local', 'stitch'),
    bigquery: bigqueryBackend(),
    // The plain SQL join of all files: what one would run instead; it needs the memory for all columns at once.
    duckdb: processBackend('duckdb', 'duckdb'),
  };
}
