import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { CleanReceipt } from '../../src/merge/job.ts';
import { openCli, type Cli, type CliRun } from './support.ts';

let cli: Cli;

/** The whole way, with real files and processes: a folder that is merged, then cleaned. */
suite('widemerge clean', { timeout: 120_000 }, () => {
  before(async () => {
    cli = await openCli();
    const sample = ['--files', '3', '--columns', '2', '--rows', '50'];
    const made = await cli.run('sample', '--out', 's', '--pairs', 'AAA,BBB', ...sample);
    assert.equal(made.exitCode, 0, made.stderr);
    await writeFile(join(cli.folder, 'w.yaml'), "name: t\nroot: s\noutput: out\npairs: '*'\nkey: interval_time\n");
    await mkdir(join(cli.folder, 'out'));
    const merged = await cli.run('merge', 's/AAA', '--out', 'out/AAA.parquet');
    assert.equal(merged.exitCode, 0, merged.stderr);
  });
  after(() => cli.close());

  const receiptOf = ({ json }: CliRun): CleanReceipt =>
    (json as { pairs: { receipt: CleanReceipt }[] }).pairs[0]!.receipt;
  const left = async (): Promise<string[]> =>
    (await readdir(join(cli.folder, 's', 'AAA'))).filter((name) => name.endsWith('.parquet')).toSorted();

  test('looks, asks for a mode, moves only what is unchanged and merged, leaves a receipt, and does nothing twice', async () => {
    const [, , last] = await left();
    const dry = await cli.run('clean', 'w.yaml', '--dry-run', '--json');
    assert.equal(dry.exitCode, 0, dry.stderr);
    assert.match(dry.stdout, /^AAA: 3 checkpoints, .* would be deleted$/m);
    assert.doesNotMatch(dry.stdout, /BBB/, 'it is not merged');
    assert.equal((await left()).length, 3);

    const asked = await cli.run('clean', 'w.yaml');
    assert.equal(asked.exitCode, 2);
    assert.match(asked.stderr, /--mode trash or --mode delete/);

    await appendFile(join(cli.folder, 's', 'AAA', last!), 'x');
    const trashed = await cli.run('clean', 'out', '--mode', 'trash', '--json');
    assert.equal(trashed.exitCode, 0, trashed.stderr + trashed.stdout);
    assert.deepEqual([receiptOf(trashed).files, receiptOf(trashed).keptFiles], [2, 1]);
    assert.match(trashed.stdout, /kept .*: changed since it was merged/);
    assert.match(trashed.stdout, /bring them back with: mv -n /);
    assert.deepEqual(await left(), [last]);
    const path = join(cli.folder, 'out', 'AAA.parquet.cleaned.json');
    const receipt = await readFile(path, 'utf8');
    assert.equal((JSON.parse(receipt) as { removed: { files: number } }).removed.files, 2);

    const again = await cli.run('clean', 'w.yaml', '--mode', 'trash', '--pair', 'AAA', '--json');
    assert.equal(again.exitCode, 0);
    assert.equal(receiptOf(again).files, 0);
    assert.equal(await readFile(path, 'utf8'), receipt, 'the same state, the same receipt');
  });

  test('an output that is not any more what its manifest says keeps its checkpoints', async () => {
    const merged = await cli.run('merge', 's/BBB', '--out', 'out/BBB.parquet');
    assert.equal(merged.exitCode, 0, merged.stderr);
    const path = join(cli.folder, 'out', 'BBB.parquet');
    const bytes = await readFile(path);
    bytes[100]! ^= 0xff; // In the first column chunk.
    await writeFile(path, bytes);
    const { exitCode, stdout } = await cli.run('clean', 'w.yaml', '--mode', 'delete', '--pair', 'BBB');
    assert.equal(exitCode, 3);
    assert.match(stdout, /^BBB: OutputMismatch: .*its checkpoints are kept/m);
    assert.equal((await readdir(join(cli.folder, 's', 'BBB'))).length, 3);
  });
});
