/** The merge process that reads a pair back from BigQuery: see merge/serve.ts. */
import { serve } from '../merge/serve.ts';
import { fetchEngine } from './fetch.ts';

serve({ bigquery: fetchEngine });
