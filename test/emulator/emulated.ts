import type { TestContext } from 'node:test';

/** Until the test has ended, the environment names this address as BigQuery and as Cloud Storage. */
export function useEmulator(t: TestContext, url: string): void {
  const { BIGQUERY_EMULATOR_HOST: rest, STORAGE_EMULATOR_HOST: buckets } = process.env;
  process.env.BIGQUERY_EMULATOR_HOST = url;
  process.env.STORAGE_EMULATOR_HOST = url;
  t.after(() => {
    if (rest === undefined) delete process.env.BIGQUERY_EMULATOR_HOST;
    else process.env.BIGQUERY_EMULATOR_HOST = rest;
    if (buckets === undefined) delete process.env.STORAGE_EMULATOR_HOST;
    else process.env.STORAGE_EMULATOR_HOST = buckets;
  });
}
