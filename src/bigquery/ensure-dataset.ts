import { BigQueryError } from './error-reasons.ts';
import { patiently, unlessMissing } from './patiently.ts';
import type { CloudSession } from './cloud-session.ts';

/** The least that the service takes for a dataset's tables. */
const LEAST_EXPIRATION_MS = 3_600_000;

/** Makes the dataset where there is none; throws BigQueryError where it is in another location. */
export async function ensureDataset({ client, dataset, request, patience }: CloudSession): Promise<void> {
  const { location, dataset: name, stagingExpiresMs } = request.config;
  const found = await unlessMissing(`look for dataset ${name}`, patience, () => dataset.getMetadata());
  if (found !== null) {
    const { location: place } = found[0] as { location?: string };
    if (place !== undefined && place.toLowerCase() !== location.toLowerCase())
      throw new BigQueryError(`dataset ${name}`, 'notFound', `it is in ${place}, and bigquery.location is ${location}`);
    return;
  }
  const defaultTableExpirationMs = `${Math.max(stagingExpiresMs, LEAST_EXPIRATION_MS)}`;
  try {
    await patiently(`create dataset ${name}`, patience, () =>
      client.createDataset(name, { location, defaultTableExpirationMs }),
    );
  } catch (error) {
    // Another pair's worker, or a request of ours whose answer was lost.
    if (!(error instanceof BigQueryError && error.reason === 'duplicate')) throw error;
  }
}
