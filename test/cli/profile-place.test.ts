import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandError, UsageError } from '../../src/cli/exit.ts';
import { openProfileFolder } from '../../src/cli/profile-folder.ts';
import { checkRoom, checkWritable, chooseWorkDir } from '../../src/cli/profile-place.ts';
import { temporaryFolder } from '../support/parquet-by-sql.ts';

const TMPFS = 0x01021994;
const isMemory = async (path: string) => (await statfs(path).catch(() => null))?.type === TMPFS;

test('a folder in memory is passed over, and told of where it was named', async (t) => {
  if (!(await isMemory('/dev/shm'))) {
    t.skip('/dev/shm is no tmpfs');
    return;
  }
  const disk = await temporaryFolder(t);
  const none = join(disk, 'none');
  await assert.rejects(chooseWorkDir(undefined, [none, '/dev/shm']), (error) => {
    assert.ok(error instanceof UsageError);
    return /in memory \(tmpfs\), .*: give --work-dir, a folder on a disk$/.test(error.message);
  });
  assert.match((await chooseWorkDir('/dev/shm')).remark!, /^--work-dir \/dev\/shm is in memory/);
  if (await isMemory(disk)) {
    t.skip('the temporary folder is in memory, too');
    return;
  }
  assert.deepEqual(await chooseWorkDir(undefined, ['/dev/shm', disk]), { path: disk, remark: null });
  assert.deepEqual(await chooseWorkDir(disk), { path: disk, remark: null });
});

test('a disk without the room for the largest merge is told before the first', async (t) => {
  const folder = await temporaryFolder(t);
  await checkRoom(folder, 1);
  await assert.rejects(checkRoom(folder, 2 ** 62), (error) => {
    assert.ok(error instanceof CommandError);
    assert.equal(error.facts.type, 'DiskFull');
    return / free, where the largest merge takes .*: give another --work-dir/.test(error.message);
  });
});

test('whether a file can be written is asked without a trace', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'p.svg');
  await checkWritable('--svg', path);
  assert.deepEqual(await readdir(folder), []);
  await writeFile(path, 'old');
  await checkWritable('--svg', path);
  assert.equal(await readFile(path, 'utf8'), 'old');
  await mkdir(join(folder, 'd'));
  await assert.rejects(checkWritable('--svg', join(folder, 'd')), /--svg .*\/d cannot be written \(EISDIR\)/);
  await assert.rejects(checkWritable('--svg', join(folder, 'none', 'p.svg')), UsageError);
});

test('a folder of a profile that lives is left, and one without its process is removed', async (t) => {
  const workDir = await temporaryFolder(t);
  {
    await using own = await openProfileFolder(workDir);
    await using other = await openProfileFolder(workDir);
    assert.equal((await readdir(workDir)).length, 2, `${own.path} ${other.path}`);
    // Of one that was killed: nobody has its lock.
    const left = join(workDir, 'widemerge-profile-1-abcdef');
    await mkdir(join(left, '5', 'out'), { recursive: true });
    await writeFile(join(left, 'lock'), '');
    await writeFile(join(left, '5', 'out', 'merged.parquet'), 'large');
    await mkdir(join(workDir, 'somebody-else'));
    await using third = await openProfileFolder(workDir);
    assert.deepEqual(
      (await readdir(workDir)).toSorted().map((name) => join(workDir, name)),
      [own.path, other.path, third.path, join(workDir, 'somebody-else')].toSorted(),
    );
  }
  assert.deepEqual(await readdir(workDir), ['somebody-else']);
});
