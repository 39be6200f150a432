/** The table of safeguards: which fault each answers, how it is made here, what it ends as, and how the run goes on. */
import { join } from 'node:path';
import { boundMemory } from '../../../src/guard/memory-means.ts';
import type { BackendName, FailureType } from '../../../src/contract.ts';
import type { RunConfig } from '../../../src/payloads.ts';
import { emptyDisk, freezeWorker, killEngine, killWorkers, stopEngine, terminateWorker } from './disturbances.ts';
import { alarmFile, crowdDisk, freeMemory, occupyMachine, raiseAlarm, takeMemory } from './shortages.ts';
import type { Before, EngineFault, Round } from './round.ts';

const MIB = 2 ** 20;

export interface Scenario {
  /** Part of a run's name. */
  name: string;
  /** The columns of the table, beside what it is expected to end as. */
  safeguard: string;
  fault: string;
  made: string;
  goesOn: string;
  /** `command` is the engine of test/fixtures/faulty_engine.py. */
  backends: BackendName[];
  engine: EngineFault;
  /** The victim is a pair that DuckDB's join cannot hold within 400 MiB. */
  wide?: true;
  /** Size of a disk of its own for the output. */
  disk?: string;
  config?: (round: Round) => Partial<RunConfig>;
  limits?: Partial<RunConfig['limits']>;
  before?: Before;
  during?: (round: Round) => Promise<void>;
  expected: {
    /** Types of the victim's failures in their order, each named once. */
    failures: FailureType[];
    /** What the last of them says. */
    says?: RegExp;
    /** The evidence in its details, as the UI shows it: the lines of it. */
    evidence?: RegExp;
    state: 'merged' | 'setAside';
    /** The one that has merged it, or was the last to try. */
    backend: BackendName;
  };
  /** Why it cannot be made here, or null. */
  missing?: () => string | null;
}

const noRoot = (): string | null => (process.getuid?.() === 0 ? null : 'only root may mount a small disk');

function noKernelLimit(): string | null {
  const { group, name } = boundMemory(400 * MIB);
  group?.remove();
  return name === null || name === 'rlimit-data'
    ? 'no memory limit of the kernel may be had for a whole tree here'
    : null;
}

export const SCENARIOS: Scenario[] = [
  {
    name: 'kernel',
    safeguard: '1 hard memory limit',
    fault: '1: out of memory, killed by the kernel',
    made: 'an engine takes memory at full speed in its control group of 400 MiB',
    goesOn: 'the next backend',
    backends: ['command', 'local'],
    engine: 'eats',
    limits: { memoryBytes: 400 * MIB },
    expected: { failures: ['MemoryExhausted'], says: /the kernel killed/, state: 'merged', backend: 'local' },
    missing: noKernelLimit,
  },
  {
    name: 'duckdb',
    safeguard: '1 hard memory limit',
    fault: "2: DuckDB's own Out of Memory",
    made: "DuckDB's join of 40 files with 400 MiB",
    goesOn: 'the next backend',
    backends: ['duckdb', 'local'],
    engine: 'waits',
    wide: true,
    limits: { memoryBytes: 400 * MIB },
    expected: { failures: ['MemoryExhausted'], says: /Out of Memory/i, state: 'merged', backend: 'local' },
  },
  {
    name: 'watcher',
    safeguard: '4 watcher',
    fault: '3: above the resident limit',
    made: 'an engine grows past 300 MiB, where no limit of the kernel is',
    goesOn: 'the next backend',
    backends: ['command', 'local'],
    engine: 'grows',
    limits: { killAboveBytes: 300 * MIB },
    expected: {
      failures: ['MemoryExhausted'],
      says: /the process tree took \d+ MiB of memory, its limit is 300 MiB/,
      state: 'merged',
      backend: 'local',
    },
  },
  {
    name: 'stranger',
    safeguard: '1 hard memory limit',
    fault: '4: exit 137 without an event of memory',
    made: "somebody's kill -9 of the engine",
    goesOn: 'the same backend, again',
    backends: ['command', 'local'],
    engine: 'waits',
    during: killEngine,
    expected: {
      failures: ['Killed'],
      says: /SIGKILL, which the guard did not send/,
      state: 'merged',
      backend: 'command',
    },
  },
  {
    name: 'deadlock',
    safeguard: '4 watcher',
    fault: '5: all threads in a futex wait',
    made: 'nine threads wait for one lock',
    goesOn: 'the next backend',
    backends: ['command', 'local'],
    engine: 'parks',
    limits: { stallMs: 2_500 },
    expected: {
      failures: ['MergeStalled'],
      says: /s: python\S* \(pid \d+\): 9 x S futex\w+; node/,
      evidence: /^python\S* \(pid \d+\): python\S* faulty_engine\.py\n {2}9 threads S in futex_\w+/,
      state: 'merged',
      backend: 'local',
    },
  },
  {
    name: 'stopped',
    safeguard: '4 watcher',
    fault: '5: stopped',
    made: 'SIGSTOP of an engine that works',
    goesOn: 'the next backend',
    backends: ['command', 'local'],
    engine: 'works',
    limits: { stallMs: 2_500 },
    during: stopEngine,
    expected: { failures: ['MergeStalled'], says: /1 x T/, state: 'merged', backend: 'local' },
  },
  {
    name: 'endless',
    safeguard: '2 timeout',
    fault: '6: the time is exceeded',
    made: 'an engine that works for ever, with 10 s instead of 30 minutes',
    goesOn: 'the next backend',
    backends: ['command', 'local'],
    engine: 'works',
    limits: { timeoutMs: 10_000 },
    expected: { failures: ['MergeTimedOut'], says: /not done after 10 s/, state: 'merged', backend: 'local' },
  },
  {
    name: 'twice',
    safeguard: '5 one at a time',
    fault: '12: two attempts at once, a late success',
    made: 'SIGSTOP of the worker until its attempt has been given to another, while its merge goes on; then SIGCONT',
    goesOn: 'the second attempt, once the first has ended; published once',
    backends: ['command', 'local'],
    engine: 'waits',
    during: freezeWorker,
    expected: { failures: ['MachineBusy'], says: /held by pid \d+/, state: 'merged', backend: 'command' },
  },
  {
    name: 'busy',
    safeguard: '5 one at a time',
    fault: "somebody else's merge on this machine",
    made: '`widemerge guard` of another command',
    goesOn: 'the same pair, once that has ended',
    backends: ['local'],
    engine: 'waits',
    before: occupyMachine,
    expected: { failures: ['MachineBusy'], says: /held by pid \d+ \(sh/, state: 'merged', backend: 'local' },
  },
  {
    name: 'sigterm',
    safeguard: '2 timeout',
    fault: '13: SIGTERM to the worker',
    made: 'SIGTERM in the middle of a merge, then a new worker',
    goesOn: 'the same backend, again; the worker drains within its grace',
    backends: ['command', 'local'],
    engine: 'waits',
    during: terminateWorker,
    expected: { failures: [], state: 'merged', backend: 'command' },
  },
  {
    name: 'full',
    safeguard: '6 cleaning',
    fault: '14: disk full while merging',
    made: 'a disk of 32 MiB that fills up to its last byte',
    goesOn: 'the same backend, once there is room; what is verified is deleted',
    backends: ['command', 'local'],
    engine: 'fills',
    disk: '32m',
    config: ({ stage, name }) => ({ root: join(stage.folder, `copy-${name}`), clean: 'delete' }),
    during: emptyDisk,
    expected: { failures: ['DiskFull'], state: 'merged', backend: 'command' },
    missing: noRoot,
  },
  {
    name: 'crowded',
    safeguard: '3 health check',
    fault: '15: disk already short',
    made: 'a disk of 64 MiB with 16 free, where 32 are wanted',
    goesOn: 'the same pair, once there is room',
    backends: ['local'],
    engine: 'waits',
    disk: '64m',
    config: () => ({ health: { minFreeMemoryBytes: 0, maxSwapUsedPercent: 100, minFreeDiskBytes: 32 * MIB } }),
    before: crowdDisk,
    expected: { failures: ['HostUnhealthy'], says: /free disk/, state: 'merged', backend: 'local' },
    missing: noRoot,
  },
  {
    name: 'short',
    safeguard: '3 health check',
    fault: '15: memory already short',
    made: 'a process takes what is free, down to an eighth less than the run wants',
    goesOn: 'the same pair, once that has ended',
    backends: ['local'],
    engine: 'waits',
    config: () => ({
      health: { minFreeMemoryBytes: freeMemory() - 512 * MIB, maxSwapUsedPercent: 100, minFreeDiskBytes: 0 },
    }),
    before: takeMemory,
    expected: { failures: ['HostUnhealthy'], says: /free memory/, state: 'merged', backend: 'local' },
  },
  {
    name: 'refused',
    safeguard: '3 health check',
    fault: "15: unhealthy by the operator's own check",
    made: '`health.command` fails while a file is there',
    goesOn: 'the same pair, once it passes',
    backends: ['local'],
    engine: 'waits',
    config: (round) => ({
      health: {
        ...{ minFreeMemoryBytes: 0, maxSwapUsedPercent: 100, minFreeDiskBytes: 0 },
        ...{ command: ['test', '!', '-e', alarmFile(round)], commandTimeoutMs: 10_000 },
      },
    }),
    before: raiseAlarm,
    expected: { failures: ['HostUnhealthy'], says: /health.command/, state: 'merged', backend: 'local' },
  },
  {
    name: 'nobody',
    safeguard: 'all',
    fault: '35: every backend fails',
    made: 'an engine eats its memory, and DuckDB runs out of it',
    goesOn: 'the pair set aside, the other one merged',
    backends: ['command', 'duckdb'],
    engine: 'eats',
    wide: true,
    limits: { memoryBytes: 400 * MIB },
    expected: { failures: ['MemoryExhausted'], says: /Out of Memory/i, state: 'setAside', backend: 'duckdb' },
  },
  {
    name: 'lost',
    safeguard: '4 watcher',
    fault: '37: a merge that takes the worker with it, each time',
    made: 'kill -9 of worker and merge at three attempts',
    goesOn: 'the next backend',
    backends: ['command', 'local'],
    engine: 'waits',
    during: killWorkers,
    expected: { failures: ['BackendLost'], says: /memory is suspected/, state: 'merged', backend: 'local' },
  },
];
