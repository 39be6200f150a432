import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { cachedTemporalBinary, ensureTemporalBinary } from '../../src/server/ensure.ts';

const KNOBS = ['WIDEMERGE_TEMPORAL_BINARY', 'PATH', 'XDG_CACHE_HOME'] as const;
let folder: string;
let saved: Record<string, string | undefined>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'widemerge-ensure-'));
  saved = Object.fromEntries(KNOBS.map((name) => [name, process.env[name]]));
  delete process.env['WIDEMERGE_TEMPORAL_BINARY'];
  process.env['PATH'] = `${folder}/bin:/usr/bin:/bin`;
  process.env['XDG_CACHE_HOME'] = `${folder}/cache`;
});
afterEach(async () => {
  for (const name of KNOBS)
    if (saved[name] === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = saved[name];
  await rm(folder, { recursive: true });
});

async function fakeTemporal(path: string, says: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho '${says}'\n`);
  await chmod(path, 0o755);
  return path;
}
const GOOD = 'temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)';
const quiet = () => undefined;

test('the named binary is used, and no other', async () => {
  await fakeTemporal(`${folder}/bin/temporal`, GOOD);
  process.env['WIDEMERGE_TEMPORAL_BINARY'] = await fakeTemporal(`${folder}/mine`, GOOD);
  assert.equal(await ensureTemporalBinary(quiet), `${folder}/mine`);
});

test('a named binary that is none is an error that says so', async () => {
  process.env['WIDEMERGE_TEMPORAL_BINARY'] = await fakeTemporal(`${folder}/mine`, 'hello');
  await assert.rejects(ensureTemporalBinary(quiet), /WIDEMERGE_TEMPORAL_BINARY cannot be used: .*is no Temporal/);
});

test('temporal on the PATH is next', async () => {
  await fakeTemporal(`${folder}/bin/temporal`, GOOD);
  assert.equal(await ensureTemporalBinary(quiet), `${folder}/bin/temporal`);
});

test('one on the PATH with an old server is passed over, with a word, for the one in the cache', async () => {
  await fakeTemporal(`${folder}/bin/temporal`, 'temporal version 0.10.0 (Server 1.20.0, UI 2.9.0)');
  await fakeTemporal(cachedTemporalBinary(), GOOD);
  const lines: string[] = [];
  assert.equal(await ensureTemporalBinary((line) => lines.push(line)), cachedTemporalBinary());
  assert.match(lines.join('\n'), /passing over .*Server 1\.20, older than 1\.26/);
});
