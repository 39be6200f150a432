import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { jarsFromMaven } from '../../support/maven.ts';

const VERSION = '1.31.0';
const DOWNLOAD_TIMEOUT_MS = 30_000;

/**
 * Temporal's test server, which handles a workflow several times as fast as the embedded one. Its jar is not
 * self-contained: where Java and Maven are, Maven brings it and its 38 dependencies into the cache; elsewhere the SDK
 * downloads a binary of it. Null where neither can be had: a fresh machine may have no Java and no way out.
 */
export async function startTimeSkippingServer(log: (line: string) => void): Promise<TestWorkflowEnvironment | null> {
  try {
    const path = await serverFromMaven();
    return await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path } },
    });
  } catch (error) {
    log(`no test server from Maven: ${String(error).split('\n')[0]}`);
  }
  try {
    return await withTimeout(TestWorkflowEnvironment.createTimeSkipping(), DOWNLOAD_TIMEOUT_MS);
  } catch (error) {
    log(`no test server to download: ${String(error).split('\n')[0]}`);
    return null;
  }
}

async function serverFromMaven(): Promise<string> {
  const folder = await jarsFromMaven({
    name: 'temporal-test-server',
    version: VERSION,
    dependencies: [`io.temporal:temporal-test-server:${VERSION}`],
    finish: async (draft, folder) => {
      const main = 'io.temporal.testserver.TestServer';
      await writeFile(join(draft, 'server.sh'), `#!/bin/sh\nexec java -cp '${folder}/lib/*' ${main} "$@"\n`);
      await chmod(join(draft, 'server.sh'), 0o755);
    },
  });
  return join(folder, 'server.sh');
}

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done in ${ms} ms`)), ms);
  });
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
