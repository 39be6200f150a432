import { createRequire } from 'node:module';
import { BigQuery } from '@google-cloud/bigquery';
import type { BigQueryOptions } from '@google-cloud/bigquery';
import { BigQueryReadClient } from '@google-cloud/bigquery-storage';

export const PROJECT = 'demo';

interface AuthLibrary {
  OAuth2Client: new () => { setCredentials(credentials: { access_token: string; expiry_date: number }): void };
}
interface GrpcLibrary {
  credentials: { createInsecure(): object };
}

// What the clients bring along and do not export: taken from where they take it.
const ofBigQuery = createRequire(import.meta.resolve('@google-cloud/bigquery'));
const ofStorage = createRequire(
  createRequire(import.meta.resolve('@google-cloud/bigquery-storage')).resolve('google-gax'),
);

/** The real client with a token that nobody checks; it does not retry by itself unless told to. */
export function restClient(url: string, options: BigQueryOptions = {}): BigQuery {
  const authClient = dummyAuth(ofBigQuery) as NonNullable<BigQueryOptions['authClient']>;
  return new BigQuery({
    projectId: PROJECT,
    apiEndpoint: url,
    autoRetry: false,
    maxRetries: 0,
    authClient,
    ...options,
  });
}

export function readClient(grpcPort: number): BigQueryReadClient {
  const grpc = ofStorage('@grpc/grpc-js') as GrpcLibrary;
  // With a token at hand it does not look for an account on the machine and in its surroundings.
  const insecure = { sslCreds: grpc.credentials.createInsecure(), authClient: dummyAuth(ofStorage) } as object;
  return new BigQueryReadClient({ projectId: PROJECT, apiEndpoint: '127.0.0.1', port: grpcPort, ...insecure });
}

function dummyAuth(requireFrom: NodeJS.Require): unknown {
  const { OAuth2Client } = requireFrom('google-auth-library') as AuthLibrary;
  const client = new OAuth2Client();
  client.setCredentials({ access_token: 'dummy', expiry_date: Date.now() + 3_600_000 });
  return client;
}
