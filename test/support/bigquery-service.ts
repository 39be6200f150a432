import { randomBytes } from 'node:crypto';
import type { BigQuery } from '@google-cloud/bigquery';
import { openClient } from '../../src/bigquery/client.ts';
import { startProxy } from '../../src/emulator/proxy.ts';
import { startEmulator } from '../../src/emulator/start.ts';

/** BigQuery, or what stands for it, with a dataset that is gone at the end. */
export interface TestService extends AsyncDisposable {
  /** True where it is the service, which costs money. */
  isReal: boolean;
  project: string;
  location: string;
  dataset: string;
  client: BigQuery;
}

const DATASET_LIFE_MS = 3_600_000;

/**
 * The real service where WIDEMERGE_TEST_BIGQUERY_PROJECT names a project (its location in
 * WIDEMERGE_TEST_BIGQUERY_LOCATION, `US` by default) and there are Application Default Credentials; else the emulator
 * behind the strict proxy, which the process's own environment names from then on.
 */
export async function openTestService(): Promise<TestService> {
  const dataset = `widemerge_test_${randomBytes(6).toString('hex')}`;
  const realProject = process.env.WIDEMERGE_TEST_BIGQUERY_PROJECT;
  if (realProject !== undefined && realProject !== '') {
    const location = process.env.WIDEMERGE_TEST_BIGQUERY_LOCATION ?? 'US';
    return open({ isReal: true, project: realProject, location, dataset }, () => Promise.resolve());
  }
  const emulator = await startEmulator({ project: 'widemerge-test' });
  const proxy = await startProxy({ restUrl: emulator.restUrl });
  process.env.BIGQUERY_EMULATOR_HOST = proxy.url;
  process.env.BIGQUERY_STORAGE_EMULATOR_HOST = `127.0.0.1:${emulator.grpcPort}`;
  return open({ isReal: false, project: 'widemerge-test', location: 'US', dataset }, async () => {
    await proxy.stop();
    await emulator.stop();
  });
}

async function open(
  place: Pick<TestService, 'isReal' | 'project' | 'location' | 'dataset'>,
  stop: () => Promise<void>,
): Promise<TestService> {
  const client = openClient(place);
  const own = client.dataset(place.dataset, { location: place.location });
  await own.create({ location: place.location, defaultTableExpirationMs: String(DATASET_LIFE_MS) });
  const dispose = async (): Promise<void> => {
    await own.delete({ force: true });
    await stop();
  };
  return { ...place, client, [Symbol.asyncDispose]: dispose };
}
