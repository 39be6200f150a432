import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { identifyLockFile, locksOf, parseLockLines } from '../../src/guard/lock-lines.ts';
import { takeLocks } from '../../src/guard/lock.ts';
import { fixture, processToken, temporaryFolder } from './helpers.ts';

const run = promisify(execFile);

test('the flocks of a descriptor, and no lock of another kind', () => {
  const fdinfo = [
    ...['pos:\t0', 'flags:\t0100001', 'mnt_id:\t27', 'ino:\t9997586'],
    'lock:\t1: FLOCK  ADVISORY  WRITE 14787 fe:00:9997586 0 EOF',
    'lock:\t2: POSIX  ADVISORY  WRITE 14788 fe:00:9997586 0 EOF',
    'lock:\t3: FLOCK  ADVISORY  READ 0 1000b:123:18446744073709551615 0 EOF\n',
  ];
  assert.deepEqual(parseLockLines(fdinfo.join('\n')), [
    { file: 'fe:00:9997586', taker: 14787 },
    { file: '1000b:123:18446744073709551615', taker: 0 },
  ]);
  assert.deepEqual(parseLockLines(fdinfo.slice(0, 4).join('\n')), []);
});

test('a lock is called the same by who holds it and by who only looks at its file', (t) => {
  const file = join(temporaryFolder(t), 'a.lock');
  assert.equal(identifyLockFile(file), null);
  assert.equal(identifyLockFile(join(file, 'below')), null);
  const held = takeLocks([file]);
  const seen = locksOf(process.pid).filter((lock) => lock.file === identifyLockFile(file));
  assert.deepEqual(seen, [{ file: held.identities[0], taker: process.pid }]);
  held.close();
  assert.equal(identifyLockFile(file), held.identities[0]);
  assert.ok(!locksOf(process.pid).some((lock) => lock.file === held.identities[0]));
  symlinkSync(file, join(file, '..', 'link'));
  assert.equal(identifyLockFile(join(file, '..', 'link')), null);
});

/** Mounts are of their own namespace, and go with it. */
const mayMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

test('so it is on an overlay, where stat tells another device', async (t) => {
  const folder = temporaryFolder(t);
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'lower', 'a.lock'), '');
  const mount = 'cd "$1" && mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged';
  const script = `${mount} || { echo refused; exit; }; shift; exec "$@"`;
  const words = [process.execPath, fixture('names-lock'), join(folder, 'merged', 'a.lock')];
  const stdout = mayMount
    ? (await run('unshare', ['-m', 'sh', '-c', script, 'sh', folder, ...words])).stdout
    : 'refused\n';
  if (stdout === 'refused\n') {
    t.skip('no overlay can be mounted here');
    return;
  }
  const [first, ...others] = JSON.parse(stdout) as string[];
  assert.match(first!, /^[0-9a-f]+:[0-9a-f]{2}:\d+$/);
  assert.deepEqual(others, [first, first, first]);
});

/** A file system whose server never answers, as a network mount that is away; the process has its root open, and a lock. */
const HANGS = `
import ctypes, fcntl, os, sys, time
folder, lock = sys.argv[1:3]
device = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
if ctypes.CDLL(None, use_errno=True).mount(b"hangs", folder.encode(), b"fuse.hangs", 0, options) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
root = os.open(folder, os.O_PATH)
fcntl.flock(os.open(lock, os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX)
print("ready", flush=True)
sys.stdin.read()
`;

test(
  'a descriptor that leads to a file system that does not answer holds nobody up',
  { timeout: 60_000 },
  async (t) => {
    const mayFuse = mayMount && isUsable('/dev/fuse') && spawnSync('python3', ['-V']).status === 0;
    if (!mayFuse) {
      t.skip('no file system of our own can be mounted here');
      return;
    }
    const folder = temporaryFolder(t);
    const [mount, lock] = [join(folder, 'mount'), join(folder, 'a.lock')];
    mkdirSync(mount);
    const holder = spawn('unshare', ['-m', 'python3', '-c', HANGS, mount, lock, processToken(t)]);
    const ended = once(holder, 'exit');
    try {
      const [said] = (await Promise.race([once(holder.stdout, 'data'), once(holder.stderr, 'data')])) as [Buffer];
      if (!String(said).startsWith('ready')) {
        t.skip(`no file system of our own can be mounted here: ${String(said)}`);
        return;
      }
      assert.match(readFileSync(`/proc/${holder.pid}/mountinfo`, 'utf8'), /fuse\.hangs/);
      // In a process of its own: one that waits for that file system can only be killed.
      const looks = run(process.execPath, [fixture('sees-locks'), String(holder.pid)], {
        timeout: 30_000,
        killSignal: 'SIGKILL',
      });
      assert.deepEqual(JSON.parse((await looks).stdout), [{ file: identifyLockFile(lock), taker: holder.pid }]);
    } finally {
      holder.stdin.end();
      await ended;
    }
  },
);

function isUsable(device: string): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
