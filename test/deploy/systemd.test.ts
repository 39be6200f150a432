import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { answers, durationMs, inProject, readText, run, workerStopMs } from './deployment.ts';

const text = readText('deploy/widemerge-worker.service');
const settings = new Map(
  [...text.matchAll(/^([A-Za-z]+)=(.*)$/gm)].map((match): [string, string] => [match[1]!, match[2]!]),
);

test('the kernel’s kill of a merge does not end the worker, and the worker always comes back', () => {
  assert.equal(settings.get('OOMPolicy'), 'continue');
  assert.equal(settings.get('Restart'), 'always');
  assert.equal(settings.get('StartLimitIntervalSec'), '0');
  assert.equal(settings.get('RestartPreventExitStatus'), '2');
});

test('the worker gets longer to stop than it takes, and its merge is left to it', () => {
  assert.ok(durationMs(settings.get('TimeoutStopSec')!) > workerStopMs());
  assert.equal(settings.get('KillMode'), 'mixed');
});

test('the guard keeps its means: control groups, /proc, namespaces, the shared lock', () => {
  assert.equal(settings.get('Delegate'), 'yes');
  assert.equal(settings.get('DelegateSubgroup'), 'worker');
  for (const breaking of [
    'PrivateTmp',
    'ProtectControlGroups',
    'ProtectProc',
    'RestrictNamespaces',
    'MemoryDenyWriteExecute',
  ])
    assert.equal(settings.get(breaking), undefined, breaking);
  assert.ok(settings.get('ReadWritePaths')!.split(' ').includes('/tmp'));
});

test('it is no root service, and runs the package’s own command', () => {
  assert.equal(settings.get('User'), 'widemerge');
  assert.equal(settings.get('NoNewPrivileges'), 'yes');
  assert.equal(settings.get('ProtectSystem'), 'strict');
  const [command, argument] = settings.get('ExecStart')!.split(' ');
  assert.ok(existsSync(inProject(command!.replace('/opt/widemerge/', ''))), command);
  assert.equal(argument, 'worker');
});

test('the environment file has nothing but settings and comments', () => {
  const lines = readText('deploy/worker.env')
    .split('\n')
    .filter((line) => line !== '');
  for (const line of lines) assert.match(line, /^(#.*|(TEMPORAL|WIDEMERGE)_[A-Z_]+=\S*)$/);
});

const canVerify = answers('systemd-analyze', ['--version']);
test('systemd accepts it', { skip: canVerify ? false : 'systemd-analyze is not installed here' }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'widemerge-unit-'));
  try {
    const unit = join(folder, 'widemerge-worker.service');
    // The command of an installation is not there; everything else is checked as it is.
    await writeFile(unit, text.replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'));
    const { stdout, stderr } = await run('systemd-analyze', ['verify', unit]);
    // Unknown settings are warnings only; remarks on other units of the machine are not ours.
    // The one setting that is younger than some systemd still in use, which pass it over.
    const remarks = (stdout + stderr).replaceAll(/^.*Unknown key '?DelegateSubgroup.*$/gm, '');
    assert.doesNotMatch(remarks, /widemerge-worker/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
