import { randomBytes } from 'node:crypto';
import type { BigQuery } from '@google-cloud/bigquery';
import { openClient } from '../../src/bigquery/client.ts';
import { startProxy } from '../../src/emulator/proxy.ts';
import type { RunningReadProxy } from '../../src/emulator/read-proxy.ts';
import { startReadProxy } from '../../src/emulator/read-proxy.ts';
import { startEmulator } from '../../src/emulator/start.ts';

/** BigQuery, or what stands for it, with a dataset that is gone at the end. */
export interface TestService extends AsyncDisposable {
  /** True where it is the service, which costs money. */
  isReal: boolean;
  project: string;
  location: string;
  dataset: string;
  client: BigQuery;
  /** What stands in front of the emulator's Storage Read; null where it is the service. */
  reads: RunningReadProxy | null;
}

const DATASET_LIFE_MS = 3_600_000;

/**
 * The real service where WIDEMERGE_TEST_BIGQUERY_PROJECT names a project (its location in
 * WIDEMERGE_TEST_BIGQUERY_LOCATION, `US` by default) and there are Application Default Credentials; else the emulator
 * behind the strict proxies (the emulator alone ignores read offsets), which the process's own environment names from then on.
 */
export async function openTestService(): Promise<TestService> {
  const dataset = `widemerge_test_${randomBytes(6).toString('hex')}`;
  const realProject = process.env.WIDEMERGE_TEST_BIGQUERY_PROJECT;
  if (realProject !== undefined && realProject !== '') {
    const location = process.env.WIDEMERGE_TEST_BIGQUERY_LOCATION ?? 'US';
    return open({ isReal: true, project: realProject, location, dataset, reads: null }, () => Promise.resolve());
  }
  const emulator = await startEmulator({ project: 'widemerge-test' });
  const proxy = await startProxy({ restUrl: emulator.restUrl });
  const reads = await startReadProxy({ grpcPort: emulator.grpcPort });
  process.env.BIGQUERY_EMULATOR_HOST = proxy.url;
  process.env.BIGQUERY_STORAGE_EMULATOR_HOST = `127.0.0.1:${reads.grpcPort}`;
  return open({ isReal: false, project: 'widemerge-test', location: 'US', dataset, reads }, async () => {
    await reads.stop();
    await proxy.stop();
    await emulator.stop();
  });
}

async function open(
  place: Omit<TestService, 'client' | typeof Symbol.asyncDispose>,
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
