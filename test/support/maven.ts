import { execFile } from 'node:child_process';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { environment } from '../../src/config/environment.ts';

const run = promisify(execFile);
const MAVEN_TIMEOUT_MS = 120_000;

export interface MavenJars {
  /** With `version`, where they are kept in the cache. */
  name: string;
  version: string;
  /** `group:artifact:version`. */
  dependencies: string[];
  /** What else belongs beside them: `draft` becomes `folder`. */
  finish?: (draft: string, folder: string) => Promise<void>;
}

/** The folder whose `lib` has the jars and all that they depend on. Throws where Java or Maven is not there, or brings them not. */
export async function jarsFromMaven({ name, version, dependencies, finish }: MavenJars): Promise<string> {
  const folder = join(environment.cacheDir, 'widemerge', name, version);
  await run('java', ['-version']);
  if ((await stat(folder).catch(() => null)) !== null) return folder;
  const draft = `${folder}.${process.pid}`;
  await mkdir(draft, { recursive: true });
  try {
    await writeFile(join(draft, 'pom.xml'), pomOf(name, dependencies));
    const goal = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${join(draft, 'lib')}`];
    await run('mvn', goal, { cwd: draft, timeout: MAVEN_TIMEOUT_MS });
    await finish?.(draft, folder);
    // Somebody else may have been faster; either is as good.
    await rename(draft, folder).catch(() => undefined);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
}

function pomOf(name: string, dependencies: string[]): string {
  const wanted = dependencies.map((dependency) => {
    const [group, artifact, version] = dependency.split(':');
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  });
  return `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>widemerge</groupId><artifactId>${name}</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    ${wanted.join('\n    ')}
  </dependencies>
</project>
`;
}
