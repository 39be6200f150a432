/**
 * Scopes, where systemd cannot run: two small programs in its place, whose scopes are real control groups (version 1) with real limits.
 * They are in the PATH of guards that see /run/systemd/system in a mount namespace of their own.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { text } from 'node:stream/consumers';

import type { GuardReport } from '../../src/guard/command.ts';
import { newLeafName } from '../../src/guard/memory/leaf-name.ts';
import { leftOverScopes, sweepScopes } from '../../src/guard/memory/systemd-scope.ts';
import { fixture, processesWith, processToken, temporaryFolder } from './helpers.ts';

const GROUPS = '/sys/fs/cgroup/memory';

/** `systemd-run --scope ... --unit=U -p MemoryMax=N -p MemorySwapMax=0 -- COMMAND` */
const SYSTEMD_RUN = `#!/bin/sh
while [ "$1" != -- ]; do
  case "$1" in
    --unit=*) scope="${GROUPS}/\${1#--unit=}" ;;
    MemoryMax=*) limit="\${1#MemoryMax=}" ;;
    --scope|--quiet|--collect|-p|MemorySwapMax=0) ;;
    *) exit 64 ;;
  esac
  shift
done
shift
mkdir "$scope" && echo "$limit" >"$scope/memory.limit_in_bytes" && echo 0 >"$scope/cgroup.procs" || exit 1
exec "$@"
`;

/** Lists, kills and removes scopes; WIDEMERGE_TEST_LOG has what it was asked. */
const SYSTEMCTL = `#!/bin/sh
echo "$*" >>"$WIDEMERGE_TEST_LOG"
action="$1"
shift
case "$action" in
  list-units) cd ${GROUPS} && for each in widemerge-guard-*.scope; do
    [ -d "$each" ] && echo "$each loaded active running [systemd-run] /bin/sh -c widemerge-guard-1-1-1-1.scope"
  done ;;
  kill) shift; for each; do while read -r pid; do kill -9 "$pid"; done <"${GROUPS}/$each/cgroup.procs"; done ;;
  stop) shift; for each; do until rmdir "${GROUPS}/$each" 2>/dev/null; do [ -d "${GROUPS}/$each" ] || break; sleep 0.02; done; done ;;
esac
`;

/** Starts guards that find these two; null where that needs more than this user or machine has. */
function standIn(
  t: TestContext,
): { log: () => string[]; guard: (token: string, script: string) => ChildProcess } | null {
  const mayMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/run']).status === 0;
  if (!mayMount || !mayMakeGroups()) {
    t.skip('no control groups of version 1, or no mounts, for this user');
    return null;
  }
  const folder = temporaryFolder(t);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'systemd-run'), SYSTEMD_RUN, { mode: 0o755 });
  writeFileSync(join(bin, 'systemctl'), SYSTEMCTL, { mode: 0o755 });
  const log = join(folder, 'log');
  writeFileSync(log, '');
  const booted = 'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec "$@"';
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}`, WIDEMERGE_TEST_LOG: log };
  let locks = 0;
  return {
    log: () => readFileSync(log, 'utf8').trimEnd().split('\n'),
    guard: (token, script) => {
      const words = [process.execPath, fixture('guards'), token, fixture(script), join(folder, `${++locks}.lock`)];
      return spawn('unshare', ['-m', 'sh', '-c', booted, 'sh', ...words], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env,
      });
    },
  };
}

function mayMakeGroups(): boolean {
  try {
    accessSync(GROUPS, constants.W_OK);
    return existsSync(join(GROUPS, 'memory.limit_in_bytes'));
  } catch {
    return false;
  }
}

/** Scopes of the guard with this pid, its probe apart; all of them go at the test's end, as with systemd. */
const scopesOf = ({ pid }: ChildProcess): string[] =>
  readdirSync(GROUPS).filter((name) => name.endsWith('.scope') && name.split('-')[3] === String(pid));

function removeScopes(t: TestContext, guard: ChildProcess): void {
  t.after(() => {
    const names = [...scopesOf(guard), `widemerge-guard-probe-${guard.pid}.scope`];
    for (const name of names.filter((each) => existsSync(join(GROUPS, each)))) rmdirSync(join(GROUPS, name));
  });
}

test(
  'a scope of a killed guard is ended by the next one, which tells a kill at its own limit exactly',
  { timeout: 120_000 },
  async (t) => {
    const machine = standIn(t);
    if (machine === null) return;
    const token = processToken(t);
    const killed = machine.guard(token, 'never-exits');
    removeScopes(t, killed);
    await once(killed.stdout!, 'data');
    const [left, ...others] = scopesOf(killed);
    assert.deepEqual(others, []);
    assert.match(readFileSync(join(GROUPS, left!, 'memory.limit_in_bytes'), 'utf8'), /^1073741824\n/);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    assert.equal(processesWith(token).length, 1);

    const next = machine.guard(processToken(t), 'eats-memory');
    removeScopes(t, next);
    const lines = (await text(next.stdout!)).trimEnd().split('\n');
    assert.deepEqual(processesWith(token), []);
    assert.deepEqual(scopesOf(killed), []);
    const report = JSON.parse(lines.at(-1)!) as GuardReport;
    assert.equal(report.outcome, 'memory-exhausted');
    assert.equal(report.limitedBy, 'systemd-run');
    assert.match(report.reason ?? '', /^the kernel killed (a process of )?it at its memory limit/);
    assert.deepEqual(
      machine.log().map((line) => line.replace(/ widemerge-guard-\d+\S*/g, ' U')),
      [
        ...Array<string>(2).fill('list-units --type=scope --plain --full --no-legend --no-pager widemerge-guard-*'),
        ...['kill --signal=SIGKILL U', 'stop --no-block U'],
      ],
    );
  },
);

test('systemd is asked once a minute for what was left, and once in ten where it does not answer', (t) => {
  const folder = temporaryFolder(t);
  const log = join(folder, 'log');
  const path = process.env['PATH'];
  process.env['PATH'] = `${folder}:${path}`;
  t.after(() => (process.env['PATH'] = path));
  const asked = (): number => readFileSync(log, 'utf8').split('\n').length - 1;
  const answers = (script: string): void =>
    writeFileSync(join(folder, 'systemctl'), `#!/bin/sh\necho "$1" >>"$(dirname "$0")/log"\n${script}\n`, {
      mode: 0o755,
    });
  const start = 1e9;
  const at = (seconds: number): number => {
    sweepScopes('system', start + seconds * 1000);
    return asked();
  };
  answers('');
  assert.deepEqual([at(0), at(1), at(59), at(61)], [1, 1, 1, 2]);
  // Something is left, but whoever says so does not end: it is not asked to kill.
  answers(`echo ${newLeafName().replace(/-\d+-\d+$/, '-1-1')}.scope; exec sleep 600`);
  assert.deepEqual([at(122), at(183), at(721)], [3, 3, 3]);
  answers('');
  assert.equal(at(723), 4);
});

test('only scopes of dead guards are left over, whatever their descriptions say', () => {
  const own = newLeafName();
  const dead = own.replace(/-\d+-\d+$/, '-1-1');
  const elsewhere = dead.replace(/^(widemerge-guard)-\d+/, '$1-1');
  const listing = [
    `${own}.scope loaded active running [systemd-run] /bin/sh`,
    `  ${dead}.scope loaded active running [systemd-run] /bin/sh`,
    `● ${dead}.scope loaded failed failed [systemd-run] /bin/sh`,
    `${elsewhere}.scope loaded active running a guard of another pid namespace`,
    `run-r1.scope loaded active running ${dead}.scope`,
    `widemerge-guard-probe-1.scope loaded active running [systemd-run] /bin/sh`,
    `${dead}.service loaded active running`,
    '',
  ];
  assert.deepEqual(leftOverScopes(listing.join('\n')), [`${dead}.scope`, `${dead}.scope`]);
});
