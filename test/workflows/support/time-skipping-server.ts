import { execFile } from 'node:child_process';
import { access, chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { environment } from '../../../src/config/environment.ts';

const run = promisify(execFile);
const VERSION = '1.31.0';
const MAVEN_TIMEOUT_MS = 120_000;
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
  const folder = join(environment.cacheDir, 'widemerge', 'temporal-test-server', VERSION);
  const wrapper = join(folder, 'server.sh');
  await run('java', ['-version']);
  if (
    await access(wrapper).then(
      () => true,
      () => false,
    )
  )
    return wrapper;

  const draft = `${folder}.${process.pid}`;
  await mkdir(draft, { recursive: true });
  try {
    await writeFile(join(draft, 'pom.xml'), POM);
    const goal = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${join(draft, 'lib')}`];
    await run('mvn', goal, { cwd: draft, timeout: MAVEN_TIMEOUT_MS });
    const main = 'io.temporal.testserver.TestServer';
    await writeFile(join(draft, 'server.sh'), `#!/bin/sh\nexec java -cp '${folder}/lib/*' ${main} "$@"\n`);
    await chmod(join(draft, 'server.sh'), 0o755);
    // Somebody else may have been faster; either is as good.
    await rename(draft, folder).catch(() => undefined);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return wrapper;
}

const POM = `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>widemerge</groupId><artifactId>test-server</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId><artifactId>temporal-test-server</artifactId><version>${VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done in ${ms} ms`)), ms);
  });
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
