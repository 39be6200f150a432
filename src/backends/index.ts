import type { BackendName } from '../contract.ts';
import type { Backend } from './backend.ts';
import { bigqueryBackend } from './bigquery.ts';
import { duckdbBackend } from './duckdb.ts';
import { localBackend } from './local.ts';

export function createBackends(): Record<BackendName, Backend> {
  return { local: localBackend(), bigquery: bigqueryBackend(), duckdb: duckdbBackend() };
}
