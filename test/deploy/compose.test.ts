import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { CLI_VERSION } from '../../src/server/version.ts';
import { answers, durationMs, inProject, manifest, readText, run, workerStopMs } from './deployment.ts';

interface Service {
  image: string;
  build?: { context: string; dockerfile: string };
  environment?: Record<string, string>;
  volumes?: (string | { type: string; source: string; target: string; bind: { create_host_path: boolean } })[];
  networks: string[];
  ports?: string[];
  restart: string;
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
  logging?: { options?: Record<string, string> };
  mem_limit?: string;
  memswap_limit?: string;
  stop_grace_period?: string;
  user?: string;
  init?: boolean;
  cap_drop?: string[];
}
interface Compose {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
  volumes: Record<string, unknown>;
}

const text = readText('docker-compose.yml');
const compose = parse(text, { merge: true }) as Compose;
const services = Object.entries(compose.services);
const service = (name: string): Service => compose.services[name]!;
const isJob = ({ restart }: Service): boolean => restart.startsWith('on-failure');

test('the services are those of the official PostgreSQL sample, and the worker', () => {
  assert.deepEqual(Object.keys(compose.services).sort(), [
    'postgresql',
    'temporal',
    'temporal-namespace',
    'temporal-schema',
    'temporal-ui',
    'worker',
  ]);
});

test('every image is pinned to a full version, and none is the deprecated auto-setup', () => {
  for (const [name, { image }] of services) {
    assert.match(image, /^[\w./-]+:\d+\.\d+(\.\d+)?(-[\w.-]+)?$/, name);
    assert.doesNotMatch(image, /auto-setup/, name);
  }
  assert.match(service('temporal').image, /^temporalio\/server:1\.29\.\d+$/);
  assert.match(service('temporal-ui').image, /^temporalio\/ui:2\.42\.\d+$/);
  assert.equal(CLI_VERSION, '1.5.1', 'the embedded server has changed: raise the images of docker-compose.yml with it');
});

test('the tools that set the schema up are those of the server’s version', () => {
  const version = service('temporal').image.split(':')[1]!;
  for (const job of ['temporal-schema', 'temporal-namespace'])
    assert.ok(service(job).image.startsWith(`temporalio/admin-tools:${version}`), job);
});

test('the worker’s image carries the version of package.json', () => {
  assert.equal(service('worker').image, `widemerge:${manifest.version}`);
});

test('every published port is bound to 127.0.0.1, and the database publishes none', () => {
  const ports = services.flatMap(([, { ports = [] }]) => ports);
  assert.equal(ports.length, 2);
  for (const port of ports) assert.match(port, /^127\.0\.0\.1:\$\{\w+:-\d+\}:\d+$/);
  assert.equal(service('postgresql').ports, undefined);
});

test('only the server and the schema job reach the database, whose network leads nowhere else', () => {
  assert.equal(compose.networks['database']?.internal, true);
  const reaching = services.filter(([, { networks }]) => networks.includes('database')).map(([name]) => name);
  assert.deepEqual(reaching.sort(), ['postgresql', 'temporal', 'temporal-schema']);
});

test('every dependency has a condition that fits: jobs complete, services are healthy', () => {
  for (const [name, { depends_on: dependencies = {} }] of services)
    for (const [other, { condition }] of Object.entries(dependencies)) {
      const expected = isJob(service(other)) ? 'service_completed_successfully' : 'service_healthy';
      assert.equal(condition, expected, `${name} -> ${other}`);
      if (!isJob(service(other))) assert.ok(service(other).healthcheck, `${other} has no health check`);
    }
  assert.ok(service('worker').depends_on!['temporal-namespace'], 'without its namespace a worker fails');
});

test('whatever runs for good comes back by itself, and no log fills the disk', () => {
  for (const [name, definition] of services) {
    if (!isJob(definition)) {
      assert.equal(definition.restart, 'unless-stopped', name);
      assert.ok(definition.healthcheck, name);
    }
    assert.ok(definition.logging?.options?.['max-size'], name);
  }
});

test('the worker has a hard memory limit without swap, and is not root', () => {
  const { mem_limit: memory, memswap_limit: withSwap, user, init, cap_drop: dropped } = service('worker');
  assert.match(memory!, /^\$\{WIDEMERGE_MEMORY:-\d+g\}$/);
  assert.equal(withSwap, memory, 'a larger memswap_limit allows swap');
  assert.match(user!, /:-[1-9]\d*:[1-9]\d*\}$/);
  assert.equal(init, true, 'orphans of a killed merge must be reaped');
  assert.deepEqual(dropped, ['ALL']);
});

test('the worker gets longer to stop than it takes', () => {
  assert.ok(durationMs(service('worker').stop_grace_period!) > workerStopMs());
});

test('data is a host folder by variable, never made as root, and the merge lock lies in it', () => {
  const mounts = service('worker').volumes!;
  const data = mounts.find((mount) => typeof mount === 'object' && mount.target === '/data');
  assert.ok(typeof data === 'object');
  assert.equal(data.source, '${WIDEMERGE_DATA:-./data}');
  assert.equal(data.bind.create_host_path, false);
  assert.match(service('worker').environment!['WIDEMERGE_LOCK_FILE']!, /^\/data\//);
  assert.deepEqual(Object.keys(compose.volumes), ['postgresql']);
  assert.deepEqual(service('postgresql').volumes, ['postgresql:/var/lib/postgresql/data']);
});

test('every file of the project that is named in it exists', () => {
  const { build } = service('worker');
  const paths = [build!.dockerfile, ...[...text.matchAll(/\.\/(deploy[\w/.-]*):/g)].map((match) => match[1]!)];
  paths.push(...[...text.matchAll(/\/opt\/temporal\/([\w.-]+)/g)].map((match) => `deploy/temporal/${match[1]!}`));
  paths.push(...[...text.matchAll(/\/app\/([\w/.-]+)/g)].map((match) => match[1]!));
  assert.ok(paths.length >= 5);
  for (const path of paths) assert.ok(existsSync(inProject(path)), path);
});

test('the operators’ guide explains every variable', () => {
  const guide = readText('deploy/README.md');
  const variables = new Set([...text.matchAll(/\$\{(\w+):-/g)].map((match) => match[1]!));
  for (const variable of variables) assert.ok(guide.includes(`\`${variable}\``), variable);
});

const hasCompose = answers('docker', ['compose', 'version']);
test('docker compose accepts it', { skip: hasCompose ? false : 'docker compose is not installed here' }, async () => {
  await run('docker', ['compose', '-f', inProject('docker-compose.yml'), 'config', '--quiet']);
});
