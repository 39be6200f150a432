import * as z from 'zod';
import { BUCKET_FORM } from './bucket-place.ts';
import { duration } from './duration.ts';

const DOLLARS = { error: 'an amount of dollars from 0 to 1,000,000, e.g. 25' };
const dollars = z.number(DOLLARS).min(0, DOLLARS).max(1e6, DOLLARS);

const SIDE_BY_SIDE = { error: 'a whole number of pairs from 1 to 50' };
const PARTITION_COLUMNS = { error: 'a whole number of columns from 2 to 10,000' };

const BUCKET = { error: 'a bucket of Cloud Storage, with a folder or without, e.g. gs://my-bucket/staging' };

const LOCATION = { error: 'a location of BigQuery, e.g. US or europe-west3' };
const location = z.string(LOCATION).regex(/^[A-Za-z][A-Za-z0-9-]{1,48}$/, LOCATION);

const dataset = z.string().regex(/^\w{1,1024}$/, { error: 'letters, digits and underscores' });

/** The section `bigquery`. Prices are list prices of November 2026 in the US, in dollars: compare them with your own. */
export const bigquerySchema = z.strictObject({
  project: z
    .string()
    .regex(/^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/, { error: 'the id of a Google Cloud project' })
    .nullable()
    .default(null)
    .describe('Project that runs and pays for the jobs. null: BigQuery is not used.'),
  location: location.default('US').describe('Region or multi-region of dataset and jobs. Default: US.'),
  dataset: dataset.default('widemerge_staging').describe('Dataset of the staging tables.'),
  workerLocation: location
    .nullable()
    .default(null)
    .describe(
      'Location that the workers are in: no egress is counted where it is that of the dataset. null: elsewhere.',
    ),
  stagingExpires: duration
    .refine((ms) => ms >= 3600_000, { error: 'a duration of at least 1h: tables must last until they are read back' })
    .default(24 * 3600_000)
    .describe('Staging tables are gone after this long, at least 1h. Default: 24h.'),
  budget: dollars.default(25).describe('Dollars that a run may cost at most. Default: 25.'),
  sideBySide: z
    .int(SIDE_BY_SIDE)
    .min(1, SIDE_BY_SIDE)
    .max(50, SIDE_BY_SIDE)
    .default(4)
    .describe('Pairs that may be on BigQuery at a time. Default: 4.'),
  partitionColumns: z
    .int(PARTITION_COLUMNS)
    .min(2, PARTITION_COLUMNS)
    .max(10_000, PARTITION_COLUMNS)
    .default(10_000)
    .describe('Most columns of one query and its table. Default: 10000, which is all that BigQuery takes.'),
  whenUnavailable: z
    .enum(['wait', 'nextBackend'])
    .default('wait')
    .describe('While BigQuery cannot be reached, a pair waits for it, or goes to the next backend. Default: wait.'),
  bucket: z
    .string(BUCKET)
    .regex(BUCKET_FORM, BUCKET)
    .nullable()
    .default(null)
    .describe(
      'Bucket that tables are loaded through, e.g. gs://my-bucket/staging, in the location of the dataset. null: they are sent with the load jobs.',
    ),
  output: z
    .enum(['files', 'tables', 'both'])
    .default('files')
    .describe(
      'What is left of a pair that BigQuery has merged: the merged file; tables there, with a view for each and a manifest; or both. Default: files.',
    ),
  outputDataset: dataset
    .default('widemerge_merged')
    .describe('Dataset of the tables that are left: they do not expire. Default: widemerge_merged.'),
  prices: z
    .strictObject({
      queryPerTiB: dollars.default(6.25).describe('Scanned by queries, on demand. Default: 6.25.'),
      storageReadPerTiB: dollars.default(1.1).describe('Read by the Storage Read API. Default: 1.1.'),
      storagePerGiBMonth: dollars.default(0.02).describe('Active logical storage. Default: 0.02.'),
      egressPerGiB: dollars.default(0.12).describe('Sent to a worker in another location. Default: 0.12.'),
    })
    .prefault({})
    .describe('List prices in dollars.'),
});
