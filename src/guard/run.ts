import { MONOTONIC } from './clock.ts';
import type { GuardedCommand, GuardHooks, GuardLimits, GuardReport } from './command.ts';
import { endedChildrenCpuMs } from './cpu-time.ts';
import { killTree, waitUntilGone } from './kill.ts';
import { bestLifetime, type Lifetime } from './lifetime.ts';
import { boundMemory, type MemoryBound } from './memory-means.ts';
import { OomEvents } from './oom-events.ts';
import { preferAsVictim } from './oom-score.ts';
import { Output } from './output.ts';
import type { ProcessTree } from './process-tree.ts';
import { Ruling, UNKILLABLE_MS } from './ruling.ts';
import { startChild, type StartedChild } from './start.ts';
import { whyAlive } from './survivors.ts';
import { judgeEnding, PassedOn, signalOf, type Ending } from './verdict.ts';
import { Watcher } from './watcher.ts';

/** Share of the limit from which on an error of the command's own may come of it. */
const NEAR = 0.9;
/** The kernel lets go of a group milliseconds after the last of its processes. */
const REMOVAL_MS = 2000;

/** Of 5 ms. */
const EXIT_TRIES = 100;

/** Trees to take along where this process exits in the middle of a run (an uncaught error, process.exit). */
const running = new Set<ProcessTree>();
process.on('exit', () =>
  running.forEach((tree) => {
    killTree(tree);
    // Nothing else runs any more: the few milliseconds until the last process has gone are waited for here.
    for (let tries = 0; tree.group !== null && !tree.group.remove() && tries < EXIT_TRIES; tries++) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }),
);

/**
 * Runs a command under safeguards and reports how it ended; no process of its tree is left afterwards. Linux only.
 *
 * Rejects where it was never started (LimitInvalidError, CommandUnusableError, LockBusyError, LockUnusableError, or the system's
 * error), and with a hook's own error, after the tree has been killed. Every other ending is a report.
 */
export async function runGuarded(
  command: GuardedCommand,
  limits: GuardLimits,
  hooks: GuardHooks = {},
): Promise<GuardReport> {
  if (hooks.signal?.aborted) return cancelledBeforeStart();
  const bound = boundMemory(limits.memoryBytes, command.memoryMeans);
  const lifetime = command.isolate === true ? bestLifetime() : null;
  try {
    using child = await startChild(command, bound, lifetime);
    running.add(child.tree);
    try {
      return await watchOver(child, { command, limits, bound, lifetime }, hooks);
    } catch (error) {
      killTree(child.tree);
      throw error;
    } finally {
      // Before the locks are given back: from then on their holder may be anybody.
      running.delete(child.tree);
    }
  } finally {
    await removeGroup(bound);
  }
}

interface Plan {
  command: GuardedCommand;
  limits: GuardLimits;
  bound: MemoryBound;
  lifetime: Lifetime | null;
}

async function watchOver(
  child: StartedChild,
  { command, limits, bound, lifetime }: Plan,
  hooks: GuardHooks,
): Promise<GuardReport> {
  const clock = hooks.clock ?? MONOTONIC;
  const startedMs = clock.now();
  const cpuBeforeMs = endedChildrenCpuMs();
  const { tree } = child;
  const isVictim = preferAsVictim(child.pid);
  const oomEvents = new OomEvents(child.pid, bound);
  const ruling = new Ruling(tree, limits.graceMs, lifetime?.name === 'pid-namespace' ? child.pid : undefined);
  const output = new Output(child.pipes, {
    onMessage: (message) => ruling.call(hooks.onMessage, message),
    onStderr: (line) => ruling.call(hooks.onStderr, line),
  });
  const watcher = new Watcher({
    tree,
    clock,
    // Whatever the hard limit is worth here (each process for itself, or swap beside it), this one is of the whole tree.
    killAboveBytes: Math.min(limits.memoryBytes, limits.killAboveBytes),
    timeoutMs: limits.timeoutMs,
    stallMs: limits.stallMs,
    evidenceFile: command.evidenceFile,
    messages: () => output.distinctMessages,
    onSample: (bytes) => {
      oomEvents.follow();
      if (oomEvents.inOwnGroup() > 0) {
        // The kernel has picked one process; the others would carry on without it, or start it again.
        const reason = 'the kernel killed a process of it at its memory limit';
        ruling.rule({ outcome: 'memory-exhausted', reason, by: bound.name, gentle: false });
      }
      ruling.call(hooks.onSample, bytes);
    },
    onVerdict: (verdict) => ruling.rule(verdict),
  });
  const watching = watcher.run().catch((error: unknown) => ruling.fail(error));
  const onAbort = (): void => {
    const why: unknown = hooks.signal?.reason;
    const signal = why instanceof PassedOn ? { signal: why.signal } : {};
    ruling.rule({ outcome: 'cancelled', reason: 'cancelled', by: null, gentle: true, ...signal });
  };
  hooks.signal?.addEventListener('abort', onAbort, { once: true });
  if (hooks.signal?.aborted) onAbort();

  child.pipes?.stdin.on('error', () => undefined); // A child that does not read its input is judged by how it ends.
  if (command.input !== undefined) child.pipes?.stdin.write(command.input);

  const ending = await Promise.race([endOf(child), ruling.givenUp]);
  const wallMs = clock.now() - startedMs;
  hooks.signal?.removeEventListener('abort', onAbort);
  watcher.stop();
  ruling.close();
  await watching;
  killTree(tree); // What the command has left behind.
  const isGone = await waitUntilGone(tree, ending === null ? 0 : UNKILLABLE_MS);
  await output.drain();
  child.pipes?.stdin.destroy();
  child.process.unref();

  ruling.throwFailure();
  const { exitCode, signal } = ending ?? { exitCode: null, signal: null };
  const kills = { possible: oomEvents.count(), own: oomEvents.inOwnGroup() };
  const { outcome, reason } = ruling.verdict ?? judgeEnding({ exitCode, signal }, kills);
  const remarks = [
    outcome === 'failed' && watcher.peakBytes >= NEAR * limits.memoryBytes ? 'its memory was near the limit' : null,
    isGone ? null : whyAlive(tree.scan()),
  ];
  return {
    outcome,
    exitCode,
    signal: signal ?? signalOf(exitCode),
    wallMs,
    peakBytes: watcher.peakBytes,
    cpuMs: Math.round(Math.max(endedChildrenCpuMs() - cpuBeforeMs, watcher.cpu.totalMs)),
    series: watcher.series.points(),
    means: [
      ...[bound.name, 'watcher', isVictim ? 'oom_score_adj' : null, lifetime?.name ?? null, 'timeout', 'stall'],
      command.lockFiles.length > 0 ? 'lock' : null,
    ].filter((name) => name !== null),
    limitedBy: ruling.verdict?.by ?? (outcome === 'memory-exhausted' ? (kills.own > 0 ? bound.name : 'kernel') : null),
    reason: [reason, ...remarks].filter((part) => part !== null).join('; ') || null,
    ...(ruling.verdict?.evidence && { evidence: ruling.verdict.evidence }),
    stderrTail: output.tail(),
  };
}

async function removeGroup({ group }: MemoryBound): Promise<void> {
  const until = performance.now() + REMOVAL_MS;
  // One that stays, with a process that does not die, is swept by the next guard after this process has ended.
  while (group !== null && !group.remove() && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function endOf(child: StartedChild): Promise<Ending> {
  return new Promise((resolve) => {
    child.process.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
}

function cancelledBeforeStart(): GuardReport {
  return {
    outcome: 'cancelled',
    exitCode: null,
    signal: null,
    wallMs: 0,
    peakBytes: 0,
    cpuMs: 0,
    series: [],
    means: [],
    limitedBy: null,
    reason: 'cancelled before it was started',
    stderrTail: '',
  };
}
