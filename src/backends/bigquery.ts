import { MergeError, type Backend } from './backend.ts';

/** Where BigQuery comes in; a route that reaches it ends here, typed, until it does. */
export const bigqueryBackend = (): Backend => ({
  name: 'bigquery',
  merge: () => {
    const message =
      'backend bigquery is not part of this version yet: choose local or duckdb, with more memory if it ran out';
    return Promise.reject(new MergeError({ type: 'BackendUnavailable', message }));
  },
});
