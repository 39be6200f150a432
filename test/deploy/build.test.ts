/** The built programs, bundled: the tests beside this one run the sources. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { temporaryFolder } from '../support/parquet-by-sql.ts';
import { inProject, manifest } from './deployment.ts';

const run = promisify(execFile);
const PROGRAM_FOLDERS = ['cli', 'merge', 'bigquery', 'chunks'];

const filesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => /[.]c?js$/.test(name)).map((name) => join(folder, name));

test('the built command finds its package, its merge process and the threads of that', async (t) => {
  const folder = await temporaryFolder(t);
  const env = { ...process.env, WIDEMERGE_LOCK_FILE: join(folder, 'machine.lock') };
  const widemerge = (...args: string[]): Promise<{ stdout: string }> =>
    run(process.execPath, [inProject('dist/cli/main.js'), ...args], { cwd: folder, env });
  assert.equal((await widemerge('--version')).stdout.trim(), manifest.version);
  const shape = ['--files', '6', '--columns', '5', '--rows', '2000', '--misaligned', '50%'];
  await widemerge('sample', '--out', 's', '--pairs', 'X', ...shape);
  const { stdout } = await widemerge('merge', 's/X', '--out', 'x.parquet', '--verify', 'full');
  assert.match(stdout, /merged 6 files \(6 of them aligned first.*verified \(full\)/);
});

test('what is started by its file is there, and strict', async () => {
  const entries = (await import(inProject('dist/merge/entries.js'))) as Record<'PROCESS_ENTRY' | 'THREAD_ENTRY', URL>;
  await access(entries.PROCESS_ENTRY);
  await access(entries.THREAD_ENTRY);
  for (const name of ['process', 'thread'])
    assert.match(await readFile(inProject(`dist/merge/${name}.cjs`), 'utf8'), /^["']use strict["'];/);
});

test('no program has the languages of zod', async () => {
  const files = (await Promise.all(PROGRAM_FOLDERS.map((folder) => filesIn(inProject(join('dist', folder)))))).flat();
  for (const name of ['cli/main.js', 'merge/process.cjs', 'bigquery/process.js'])
    assert.ok(files.includes(inProject(`dist/${name}`)), name);
  const texts = await Promise.all(files.map((path) => readFile(path, 'utf8')));
  const locales = texts.flatMap((text) => text.match(/^\/\/ node_modules\/zod\/.*\/locales\/.*$/gm) ?? []);
  assert.deepEqual([...new Set(locales.map((line) => basename(line)))], ['en.js']);
});

test('the licences of all packages that were bundled are there', async () => {
  const text = await readFile(inProject('dist/chunks/LICENSES.txt'), 'utf8');
  const names = [...text.matchAll(/^(\S+) \d\S* \((\S+)\)$/gm)].map(([, name, licence]) => [name!, licence!] as const);
  assert.ok(names.length >= 4);
  for (const [name, licence] of names) {
    assert.match(licence, /^(MIT|ISC)$/, name);
    assert.ok(text.includes('Permission'), name);
  }
});
