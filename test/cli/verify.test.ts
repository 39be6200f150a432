/** `widemerge verify`: outputs and checkpoints that are damaged, moved and touched after the merge. */
import assert from 'node:assert/strict';
import { cp, mkdir, readdir, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readFooter } from '../../src/merge/parquet/footer.ts';
import { flipBit } from '../support/flip-bit.ts';
import { openCli } from './support.ts';
import type { Cli, CliRun } from './support.ts';

let cli: Cli;
/** A copy of the output with its manifest, in a folder of its own. */
let copies = 0;
before(async () => {
  cli = await openCli();
  const samples = ['--pairs', 'X', '--files', '6', '--columns', '5', '--rows', '3000', '--misaligned', '40%'];
  await cli.run('sample', '--out', 's', ...samples);
  const merged = await cli.run('merge', 's/X', '--out', 'x.parquet');
  assert.equal(merged.exitCode, 0, merged.stderr);
});
after(() => cli.close());

const file = (...names: string[]): string => join(cli.folder, ...names);

async function copyOutput(): Promise<string> {
  const folder = `copy ${++copies}`;
  await mkdir(file(folder));
  for (const name of ['x.parquet', 'x.parquet.manifest.json']) await cp(file(name), file(folder, name));
  return join(folder, 'x.parquet');
}

function assertFailed(run: CliRun, type: string, message: RegExp): void {
  assert.equal(run.exitCode, 3, run.stdout + run.stderr);
  assert.equal((run.json as { type: string }).type, type, run.stderr);
  assert.match(run.stderr, message);
}

test('a moved output is verified by its manifest alone; nothing is written beside it', async () => {
  const output = await copyOutput();
  const run = await cli.run('verify', output, '--json');
  assert.equal(run.exitCode, 0, run.stderr);
  assert.match(run.stdout, /is what its manifest says: 31 columns x/);
  const { rows, columns, hasChecksums, sources } = run.json as Record<string, unknown>;
  assert.deepEqual([columns, hasChecksums, sources], [31, true, null]);
  assert.ok(Number(rows) >= 3000);
  assert.deepEqual(await readdir(file(output, '..')), ['x.parquet', 'x.parquet.manifest.json']);
});

test('its checkpoints, copied elsewhere and written anew, are compared by bytes and by value', async () => {
  await cp(file('s/X'), file('moved'), { recursive: true });
  for (const name of await readdir(file('moved'))) await utimes(file('moved', name), 1, 1);
  for (const [args, mode] of [
    [['--sources', 'moved'], 'bytes'],
    [['--sources', 'moved', '--full'], 'full'],
    [['--full'], 'full'],
    [['--sources'], 'bytes'],
  ] as const) {
    const run = await cli.run('verify', 'x.parquet', ...args, '--json');
    assert.equal(run.exitCode, 0, run.stderr);
    assert.deepEqual((run.json as { sources: unknown }).sources, { files: 6, mode });
  }
});

test('a flipped bit of the output ends with 3 and the name of the column', async () => {
  const output = await copyOutput();
  const { columns, rowGroups } = await readFooter(file(output), 'x');
  const { start, length } = rowGroups[0]!.chunks[3]!;
  await flipBit(file(output), start + (length >> 1));
  const message = new RegExp(`the bytes of column ${columns[3]!.name} have changed`);
  assertFailed(await cli.run('verify', output, '--json'), 'OutputMismatch', message);
});

test('a checkpoint that is not what was merged is told from an output that has changed', async () => {
  await cp(file('s/X'), file('changed'), { recursive: true });
  const [first = ''] = (await readdir(file('changed'))).sort();
  const { rowGroups } = await readFooter(file('changed', first), first);
  const { start, length } = rowGroups[0]!.chunks.at(-1)!;
  await flipBit(file('changed', first), start + length - 3);
  assertFailed(
    await cli.run('verify', 'x.parquet', '--sources', 'changed', '--json'),
    'InputChanged',
    /the output is still what its manifest says: what lies in .*changed is not what was merged/,
  );
  await rm(file('changed', first));
  const missing = await cli.run('verify', 'x.parquet', '--sources', 'changed', '--json');
  assertFailed(missing, 'CheckpointInvalid', new RegExp(`${first}.*cannot be read in .*changed \\(ENOENT\\)`));
});

test("what has no manifest, a stranger's, or one without checksums", async () => {
  const output = await copyOutput();
  await rename(file(`${output}.manifest.json`), file('away.json'));
  const without = await cli.run('verify', output);
  assert.equal(without.exitCode, 2);
  assert.match(without.stderr, /manifest\.json is missing/);

  const other = await cli.run('merge', 's/X', '--out', 'other.parquet', '--rows', 'intersection', '--verify', 'none');
  assert.equal(other.exitCode, 0, other.stderr);
  await cp(file('other.parquet.manifest.json'), file(`${output}.manifest.json`));
  assertFailed(await cli.run('verify', output, '--json'), 'OutputMismatch', /its manifest/);

  const unverified = await cli.run('verify', 'other.parquet');
  assert.equal(unverified.exitCode, 0, unverified.stderr);
  assert.match(unverified.stdout, /published without verification/);
  const late = await cli.run('verify', 'other.parquet', '--sources', '--json');
  assert.equal(late.exitCode, 0, late.stderr);
  assert.match(late.stdout, /and what its 6 checkpoints in .* hold/);
  await flipBit(file('other.parquet'), 200);
  assertFailed(await cli.run('verify', 'other.parquet', '--sources', '--json'), 'OutputMismatch', /./);
});
