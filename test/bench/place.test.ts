import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileSystemIn } from '../../bench/lib/place.ts';

const MOUNTS = [
  '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
  '40 22 7:0 / /data rw - xfs /dev/loop0 rw',
  '41 22 0:9 / /data\\040disk rw shared:1 - btrfs /dev/loop1 rw',
  '42 40 0:8 / /data rw - tmpfs none rw',
  '',
].join('\n');

test('a folder is on the nearest mount above it, the last one where several are in one place', () => {
  assert.equal(fileSystemIn(MOUNTS, '/home/a'), 'ext4');
  assert.equal(fileSystemIn(MOUNTS, '/data/b'), 'tmpfs');
  assert.equal(fileSystemIn(MOUNTS, '/data'), 'tmpfs');
  assert.equal(fileSystemIn(MOUNTS, '/database'), 'ext4');
});

test('its path may have blanks', () => {
  assert.equal(fileSystemIn(MOUNTS, '/data disk/c'), 'btrfs');
});
