/** What `plan` and `merge` say of clones, on real file systems. */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { mountImage, type ImageMount } from '../support/image-mount.ts';
import { openCli } from './support.ts';
import type { Cli } from './support.ts';

let cli: Cli;
let xfs: ImageMount | null;
let ext4: ImageMount | null;
before(async () => {
  cli = await openCli();
  xfs = await mountImage(cli.folder, 'xfs');
  ext4 = await mountImage(cli.folder, 'ext4');
  const sample = ['sample', '--pairs', 'X', '--files', '5', '--columns', '5', '--rows', '20000', '--out'];
  await cli.run(...sample, 'samples');
  for (const mount of [xfs, ext4])
    if (mount !== null) await cp(join(cli.folder, 'samples', 'X'), join(mount.path, 'X'), { recursive: true });
});
after(async () => {
  await xfs?.[Symbol.asyncDispose]();
  await ext4?.[Symbol.asyncDispose]();
  await cli.close();
});

const KEY = ['--key', 'interval_time'];

test('where blocks can be shared plan says so, and merge shares them', async (t) => {
  if (xfs === null) {
    t.skip('XFS cannot be made and mounted here');
    return;
  }
  const plan = await cli.run('plan', 'xfs/X');
  assert.match(plan.stdout, /^aligned files will be cloned: their bytes take no space again$/m, plan.stderr);
  const merged = await cli.run('merge', 'xfs/X', '--out', 'xfs/X.parquet', ...KEY);
  assert.match(merged.stdout, /\d MiB \(\d.* MiB cloned, \d.* KiB copied\), verified/, merged.stderr);
});

test('where the file system cannot, or is another one, both say what would change it', async (t) => {
  if (xfs === null || ext4 === null) {
    t.skip('XFS and ext4 cannot be made and mounted here');
    return;
  }
  const plan = await cli.run('plan', 'ext4/X');
  assert.match(plan.stdout, /^all bytes will be copied: this file system cannot clone; XFS and btrfs can$/m);
  const cannot = await cli.run('merge', 'ext4/X', '--out', 'ext4/X.parquet', ...KEY);
  assert.match(cannot.stdout, /\(\d.* MiB copied: this file system cannot clone; XFS and btrfs can\), verified/);
  const elsewhere = await cli.run('merge', 'xfs/X', '--out', 'ext4/Y.parquet', ...KEY);
  assert.match(elsewhere.stdout, /copied: the checkpoints lie on another file system, which can clone/);
});
