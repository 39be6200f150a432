import type { Backend } from './backend.ts';
import { processBackend } from './process-backend.ts';

/** The plain SQL join of all files in DuckDB: what one would run instead; it needs the memory for all columns at once. */
export const duckdbBackend = (): Backend => processBackend('duckdb', 'duckdb');
