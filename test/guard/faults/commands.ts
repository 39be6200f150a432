/** Commands that go wrong in every way that a command can, each with what the guard must make of it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { GuardedCommand, GuardHooks, GuardLimits, GuardOutcome, GuardReport } from '../../../src/guard/command.ts';
import { takeLocks } from '../../../src/guard/lock.ts';
import { runGuarded } from '../../../src/guard/run.ts';
import { fixture, MIB } from '../helpers.ts';
import { HurriedClock, STEPS_MS } from './hurried-clock.ts';
import type { Fault, Scene } from './scene.ts';

interface CommandFault {
  what: string;
  isSlow?: boolean;
  words: (scene: Scene) => string[];
  outcome: GuardOutcome;
  limits?: Partial<GuardLimits>;
  /** Time is the fault: from its first message on the clock hurries. */
  hurries?: boolean;
  means?: GuardedCommand['memoryMeans'];
  /** Ended by the caller at its first message. */
  isCancelled?: boolean;
  expect?: (report: GuardReport, scene: Scene) => void;
}

const shell =
  (script: string | ((scene: Scene) => string)): CommandFault['words'] =>
  (scene) => ['sh', '-c', typeof script === 'string' ? script : script(scene)];
const node =
  (name: string): CommandFault['words'] =>
  () => [process.execPath, fixture(name)];

const READY = `echo '"ready"' >&3; `;
/** Bytes are read and written: progress without end. */
const WORKS = 'cat /dev/zero > /dev/null';
const EATS = 'dd if=/dev/zero of=/dev/null bs=400M count=1000 2> /dev/null';
const FOREVER = 'while :; do sleep 1; done';
const AS_NOBODY = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
const SMALL = { memoryBytes: 150 * MIB, killAboveBytes: 150 * MIB };
const isRoot = process.getuid?.() === 0;

const FAULTS: CommandFault[] = [
  { what: 'exits with a code', words: shell(({ draw }) => `exit ${draw(1, 123)}`), outcome: 'failed' },
  {
    what: 'kills itself',
    words: shell(({ pick }) => `kill -${pick(['HUP', 'INT', 'KILL', 'SEGV', 'TERM', 'USR1'])} $$`),
    outcome: 'killed',
  },
  { what: 'is killed by its child', words: shell(`sh -c 'kill -KILL $PPID'; ${FOREVER}`), outcome: 'killed' },
  { what: 'closes its streams', words: shell('exec <&- >&- 2>&- 3>&-; exit 5'), outcome: 'failed' },
  {
    what: 'floods its outputs',
    words: shell(({ draw }) => `head -c ${draw(1, 30)}M /dev/zero >&${draw(1, 3)}; exit 9`),
    outcome: 'failed',
  },
  {
    what: 'says messages without end',
    words: shell(`yes '{"event":"progress"}' | head -n 20000 >&3; exit 4`),
    outcome: 'failed',
  },
  { what: 'eats memory', words: shell(EATS), limits: SMALL, outcome: 'memory-exhausted' },
  {
    what: 'eats memory, with the watcher alone',
    words: shell(EATS),
    limits: SMALL,
    means: [],
    outcome: 'memory-exhausted',
  },
  {
    what: 'eats memory under RLIMIT_DATA',
    words: shell(EATS),
    limits: SMALL,
    means: ['rlimit-data'],
    outcome: 'memory-exhausted',
  },
  {
    what: 'forks an eater into a session of its own, and ends well if it can',
    words: shell(`setsid sh -c '${EATS}' & ${FOREVER}`),
    limits: SMALL,
    outcome: 'memory-exhausted',
  },
  {
    what: 'leaves a daemon of a session of its own',
    words: shell(`(setsid sh -c '${FOREVER}' < /dev/null > /dev/null 2>&1 3>&- &); exit 6`),
    outcome: 'failed',
  },
  {
    what: 'leaves a daemon that has all of its streams and ignores SIGTERM',
    words: shell(`(setsid sh -c 'trap "" TERM HUP; ${FOREVER}' &); exit 6`),
    outcome: 'failed',
  },
  {
    what: 'leaves a daemon, known by its lock alone',
    words: shell(`(setsid sh -c '${FOREVER}' < /dev/null > /dev/null 2>&1 3>&- &); exit 6`),
    means: [],
    outcome: 'failed',
  },
  { what: 'leaves a stopped process', words: shell(`sh -c 'kill -STOP $$' & exit 6`), outcome: 'failed' },
  {
    what: 'leaves a thousand children',
    isSlow: true,
    words: shell('i=0; while [ $i -lt 500 ]; do sleep 1000 & true & i=$((i+1)); done; exit 8'),
    outcome: 'failed',
  },
  {
    what: 'forks without end',
    isSlow: true,
    words: shell('while :; do sleep 1000 & done'),
    limits: { timeoutMs: 200 },
    outcome: 'timed-out',
  },
  {
    what: 'has children that come and go while they are looked at',
    words: shell('i=0; while [ $i -lt 60 ]; do sh -c true & true; i=$((i+1)); done; wait; exit 3'),
    outcome: 'failed',
  },
  {
    what: 'makes progress for ever',
    isSlow: true,
    words: shell(READY + WORKS),
    hurries: true,
    outcome: 'timed-out',
    expect: ({ wallMs }, { limits }) => assert.ok(wallMs > limits.timeoutMs),
  },
  {
    what: 'makes progress for ever and ignores SIGTERM',
    isSlow: true,
    words: shell(`trap '' TERM; ${READY}${WORKS}`),
    hurries: true,
    outcome: 'timed-out',
    expect: ({ reason }) => assert.match(reason ?? '', /^not done after \d{3,} s/),
  },
  {
    what: 'has become another user',
    isSlow: true,
    words: shell(`${READY}${isRoot ? AS_NOBODY : ''} ${WORKS}`),
    hurries: true,
    outcome: 'timed-out',
  },
  {
    what: 'sleeps for ever',
    isSlow: true,
    words: shell(`${READY}${FOREVER.replace('1', '1000')}`),
    hurries: true,
    outcome: 'stalled',
    expect: ({ wallMs }, { limits }) => assert.ok(wallMs > limits.stallMs && wallMs < limits.timeoutMs),
  },
  {
    what: 'is stopped',
    isSlow: true,
    words: shell(`${READY}kill -STOP $$`),
    hurries: true,
    outcome: 'stalled',
    expect: ({ reason }) => assert.match(reason ?? '', /x T/),
  },
  {
    what: 'is parked in a futex',
    isSlow: true,
    words: node('deadlocks'),
    hurries: true,
    outcome: 'stalled',
    expect: ({ reason }) => assert.match(reason ?? '', /x S futex/),
  },
  { what: 'is cancelled', words: shell(READY + FOREVER), isCancelled: true, outcome: 'cancelled' },
  {
    what: 'is cancelled and ignores SIGTERM',
    words: shell(`trap '' TERM; ${READY}${FOREVER}`),
    isCancelled: true,
    outcome: 'cancelled',
  },
];

/** The refusals: nothing is started. */
const REFUSALS: { what: string; name: string; change: (scene: Scene) => Partial<GuardedCommand & GuardLimits> }[] = [
  { what: 'does not exist', name: 'CommandUnusableError', change: () => ({ command: 'no-such-command' }) },
  {
    what: 'is not executable',
    name: 'CommandUnusableError',
    change: ({ folder }) => ({ command: join(folder, 'plain') }),
  },
  { what: 'has a limit of nothing', name: 'LimitInvalidError', change: () => ({ memoryBytes: 0 }) },
  { what: 'is to run where nothing is', name: 'Error', change: ({ folder }) => ({ cwd: join(folder, 'none') }) },
  {
    what: 'has no folder for its lock',
    name: 'LockUnusableError',
    change: ({ folder }) => ({ lockFiles: [join(folder, 'none', 'none', 'lock')] }),
  },
];

export const COMMAND_FAULTS: Fault[] = [
  ...FAULTS.map(({ what, isSlow = false, ...fault }) => ({
    what: `a command that ${what}`,
    isSlow,
    make: (scene: Scene) => meet(scene, { what, ...fault }),
  })),
  ...REFUSALS.map(({ what, name, change }) => ({
    what: `a command that ${what}`,
    isSlow: false,
    make: async (scene: Scene) => {
      const changes = change(scene);
      const running = runGuarded({ ...guarded(scene, ['true']), ...changes }, { ...scene.limits, ...changes });
      await assert.rejects(running, { name });
    },
  })),
  {
    what: 'a command whose lock is held',
    isSlow: false,
    make: async (scene) => {
      const held = takeLocks([scene.machineLock]);
      await assert.rejects(runGuarded(guarded(scene, ['true']), scene.limits), { name: 'LockBusyError' });
      held.close();
    },
  },
  {
    what: 'a caller that throws',
    isSlow: false,
    make: async (scene) => {
      const onMessage = (): void => {
        throw new RangeError('of the hook');
      };
      const running = runGuarded(guarded(scene, shell(READY + FOREVER)(scene)), scene.limits, { onMessage });
      await assert.rejects(running, { name: 'RangeError' });
    },
  },
];

async function meet(scene: Scene, fault: CommandFault): Promise<void> {
  const { words, outcome, limits, means, hurries, isCancelled, expect } = fault;
  const clock = new HurriedClock();
  const controller = new AbortController();
  const hooks: GuardHooks = {
    clock,
    signal: controller.signal,
    onMessage: () => {
      if (hurries) clock.hurry(outcome === 'stalled' ? STEPS_MS.stalled : STEPS_MS['timed-out']);
      if (isCancelled) controller.abort();
    },
  };
  const command = { ...guarded(scene, words(scene)), ...(means !== undefined && { memoryMeans: means }) };
  const report = await runGuarded(command, { ...scene.limits, ...limits }, hooks);
  scene.count.passedMs += clock.passedMs;
  assert.equal(report.outcome, outcome, `${report.reason ?? ''} ${report.stderrTail.slice(0, 500)}`);
  assert.doesNotMatch(report.reason ?? '', /does not die/);
  expect?.(report, scene);
}

/** With the lock: where there is neither a group nor a namespace it is what a daemon is known by. */
function guarded(scene: Scene, [command = '', ...args]: string[]): GuardedCommand {
  return {
    command,
    args,
    cwd: scene.folder,
    lockFiles: [scene.machineLock],
    isolate: scene.draw(0, 1) === 1,
    evidenceFile: join(scene.folder, 'stalled.txt'),
  };
}
