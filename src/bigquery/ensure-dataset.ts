import type { Dataset } from '@google-cloud/bigquery';
import { BigQueryError } from './error-reasons.ts';
import { patiently, unlessMissing } from './patiently.ts';
import type { CloudSession } from './cloud-session.ts';

/** The least that the service takes for a dataset's tables. */
const LEAST_EXPIRATION_MS = 3_600_000;

export interface WantedDataset {
  dataset: Dataset;
  /** Of its tables, milliseconds, where it is made; null: they do not expire. */
  keptMs: number | null;
}

interface FoundDataset {
  location?: string;
  defaultTableExpirationMs?: string;
}

const stagingOf = ({ dataset, request }: CloudSession): WantedDataset => ({
  dataset,
  keptMs: Math.max(request.config.stagingExpiresMs, LEAST_EXPIRATION_MS),
});

/** Makes the dataset (that of the staging tables) where there is none; throws BigQueryError where it is in another location. */
export async function ensureDataset(session: CloudSession, wanted = stagingOf(session)): Promise<FoundDataset> {
  const { client, request, patience } = session;
  const { location } = request.config;
  const { dataset, keptMs } = wanted;
  const name = dataset.id!;
  const found = await unlessMissing(`look for dataset ${name}`, patience, () => dataset.getMetadata());
  if (found !== null) {
    const metadata = found[0] as FoundDataset;
    const { location: place } = metadata;
    if (place !== undefined && place.toLowerCase() !== location.toLowerCase())
      throw new BigQueryError(`dataset ${name}`, 'notFound', `it is in ${place}, and bigquery.location is ${location}`);
    return metadata;
  }
  const made = keptMs === null ? {} : { defaultTableExpirationMs: `${keptMs}` };
  try {
    await patiently(`create dataset ${name}`, patience, () => client.createDataset(name, { location, ...made }));
  } catch (error) {
    // Another pair's worker, or a request of ours whose answer was lost.
    if (!(error instanceof BigQueryError && error.reason === 'duplicate')) throw error;
  }
  return { location, ...made };
}
