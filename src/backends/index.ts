import type { BackendName } from '../contract.ts';
import { MergeError, type Backend } from './backend.ts';
import { commandBackend, ownCommand } from './command-backend.ts';
import { processBackend } from './process-backend.ts';
import { pythonEngine, type PythonEngine } from './python-engines.ts';

export function createBackends(): Record<BackendName, Backend> {
  return {
    // The default: joins aligned column chunks without decoding them, in a few hundred MB.
    local: processBackend('local', 'stitch'),
    // It has steps of its own: bigqueryBackend().
    bigquery: singleStep,
    // The plain SQL join of all files: what one would run instead; it needs the memory for all columns at once.
    duckdb: processBackend('duckdb', 'duckdb'),
    polars: pythonBackend('polars'),
    dask: pythonBackend('dask'),
    pandas: pythonBackend('pandas'),
    command: commandBackend('command', ownCommand),
  };
}

/** What else one would run instead, each at its best; needs a Python environment, made at its first use. */
const pythonBackend = (engine: PythonEngine): Backend =>
  commandBackend(engine, (_, { onRemark, signal }) => pythonEngine(engine, { log: onRemark, signal }));

/** For runs that began when a backend merged in a single step. */
const singleStep: Backend = {
  name: 'bigquery',
  merge: () => {
    const message =
      'backend bigquery was not part of the version that this run began with: start it again, or choose local';
    return Promise.reject(new MergeError({ type: 'BackendUnavailable', message }));
  },
};
