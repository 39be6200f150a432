/**
 * The service's clients: with Application Default Credentials, or those of an emulator where the environment names one.
 * They try nothing again by themselves: run-job.ts and patiently.ts know what may be repeated.
 */
import { createRequire } from 'node:module';
import { BigQuery, type BigQueryOptions } from '@google-cloud/bigquery';
import { BigQueryReadClient } from '@google-cloud/bigquery-storage';
import { environment } from '../config/environment.ts';

interface AuthLibrary {
  OAuth2Client: new () => { setCredentials(credentials: { access_token: string; expiry_date: number }): void };
}
interface GrpcLibrary {
  credentials: { createInsecure(): object };
}

/** Longer than any emulator runs. */
const TOKEN_LIFE_MS = 365 * 24 * 3_600_000;
const USER_AGENT = 'widemerge';

/** Jobs, datasets and tables of a project, by default in `location`. */
export function openClient({ project, location }: { project: string; location: string }): BigQuery {
  const options: BigQueryOptions = {
    projectId: project,
    location,
    retryOptions: { autoRetry: false, maxRetries: 0 },
    userAgent: USER_AGENT,
  };
  const { restUrl } = environment.bigqueryEmulator;
  if (restUrl === undefined) return new BigQuery(options);
  const requireFrom = createRequire(import.meta.resolve('@google-cloud/bigquery'));
  const authClient = dummyAuth(requireFrom) as NonNullable<BigQueryOptions['authClient']>;
  const client = new BigQuery({ ...options, apiEndpoint: restUrl, authClient });
  // The client reads the variable itself, and leaves out the path of the service.
  client.baseUrl = `${restUrl}/bigquery/v2`;
  return client;
}

/** The Storage Read API of a project: gRPC. */
export function openReadClient({ project }: { project: string }): BigQueryReadClient {
  const { storageHost } = environment.bigqueryEmulator;
  if (storageHost === undefined) return new BigQueryReadClient({ projectId: project });
  const { hostname, port } = new URL(`http://${storageHost}`);
  const requireFrom = createRequire(
    createRequire(import.meta.resolve('@google-cloud/bigquery-storage')).resolve('google-gax'),
  );
  const grpc = requireFrom('@grpc/grpc-js') as GrpcLibrary;
  // With a token at hand it does not look for an account on the machine and in its surroundings.
  const insecure = { sslCreds: grpc.credentials.createInsecure(), authClient: dummyAuth(requireFrom) } as object;
  return new BigQueryReadClient({ projectId: project, apiEndpoint: hostname, port: Number(port), ...insecure });
}

/** A token that nobody checks. The library is what the client brings along: it does not export it. */
function dummyAuth(requireFrom: NodeJS.Require): unknown {
  const { OAuth2Client } = requireFrom('google-auth-library') as AuthLibrary;
  const client = new OAuth2Client();
  client.setCredentials({ access_token: 'emulator', expiry_date: Date.now() + TOKEN_LIFE_MS });
  return client;
}
