import { createRequire } from 'node:module';
import { Storage, type StorageOptions } from '@google-cloud/storage';
import { PROJECT } from './clients.ts';

interface AuthLibrary {
  OAuth2Client: new () => { setCredentials(credentials: { access_token: string; expiry_date: number }): void };
}

/** The official client of Cloud Storage, with a token that nobody checks; it does not try again by itself. */
export function storageClient(url: string): Storage {
  const requireFrom = createRequire(import.meta.resolve('@google-cloud/storage'));
  const { OAuth2Client } = requireFrom('google-auth-library') as AuthLibrary;
  const authClient = new OAuth2Client();
  authClient.setCredentials({ access_token: 'dummy', expiry_date: Date.now() + 3_600_000 });
  const storage = new Storage({
    projectId: PROJECT,
    apiEndpoint: url,
    useAuthWithCustomEndpoint: true,
    authClient: authClient as unknown as NonNullable<StorageOptions['authClient']>,
    retryOptions: { autoRetry: false, maxRetries: 0 },
  });
  // Where STORAGE_EMULATOR_HOST is set, the client leaves out the path of the service.
  storage.baseUrl = `${url}/storage/v1`;
  // Its resumable uploads to another address than the service's leave out the token.
  const withToken = (request: { headers?: object }): object =>
    Object.assign(request, { headers: { ...request.headers, Authorization: 'Bearer dummy' } });
  storage.interceptors.push({ request: withToken } as unknown as Storage['interceptors'][number]);
  return storage;
}
