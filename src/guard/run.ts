import type { GuardedCommand, GuardHooks, GuardLimits, GuardReport } from './command.ts';
import { killTree, waitUntilGone } from './kill.ts';
import { applyMemoryMeans } from './memory-means.ts';
import { OomEvents } from './oom-events.ts';
import { Output } from './output.ts';
import type { ProcessTree } from './process-tree.ts';
import { Ruling, UNKILLABLE_MS } from './ruling.ts';
import { startChild, type StartedChild } from './start.ts';
import { judgeEnding, signalOf, type Ending } from './verdict.ts';
import { Watcher } from './watcher.ts';

/** Trees to take along where this process exits in the middle of a run (an uncaught error, process.exit). */
const running = new Set<ProcessTree>();
process.on('exit', () => running.forEach(killTree));

/**
 * Runs a command under safeguards and reports how it ended; no process of its tree is left afterwards. Linux only.
 *
 * Rejects where it was never started (LockBusyError, LockUnusableError, or the system's error), and with a hook's own error, after the
 * tree has been killed. Every other ending is a report.
 */
export async function runGuarded(
  command: GuardedCommand,
  limits: GuardLimits,
  hooks: GuardHooks = {},
): Promise<GuardReport> {
  if (hooks.signal?.aborted) return cancelledBeforeStart();
  using child = await startChild(command);
  running.add(child.tree);
  try {
    return await watchOver(child, command, limits, hooks);
  } catch (error) {
    child.process.kill('SIGKILL');
    throw error;
  } finally {
    // Before the locks are given back: from then on their holder may be anybody.
    running.delete(child.tree);
  }
}

async function watchOver(
  child: StartedChild,
  command: GuardedCommand,
  limits: GuardLimits,
  hooks: GuardHooks,
): Promise<GuardReport> {
  const startedMs = performance.now();
  const { tree } = child;
  const means = applyMemoryMeans(child.pid, limits);
  const oomEvents = new OomEvents(child.pid);
  const ruling = new Ruling(tree, limits.graceMs);
  const output = new Output(child, {
    onMessage: (message) => ruling.call(hooks.onMessage, message),
    onStderr: (line) => ruling.call(hooks.onStderr, line),
  });
  const watcher = new Watcher({
    tree,
    killAboveBytes: means.killAboveBytes,
    timeoutMs: limits.timeoutMs,
    stallMs: limits.stallMs,
    messages: () => output.distinctMessages,
    onSample: (bytes) => {
      oomEvents.follow();
      ruling.call(hooks.onSample, bytes);
    },
    onVerdict: (verdict) => ruling.rule(verdict),
  });
  const watching = watcher.run().catch((error: unknown) => ruling.fail(error));
  const onAbort = (): void => ruling.rule({ outcome: 'cancelled', reason: 'cancelled', gentle: true });
  hooks.signal?.addEventListener('abort', onAbort, { once: true });
  if (hooks.signal?.aborted) onAbort();

  child.stdin.on('error', () => undefined); // A child that does not read its input is judged by how it ends.
  if (command.input !== undefined) child.stdin.write(command.input);

  const ending = await Promise.race([endOf(child), ruling.givenUp]);
  const wallMs = performance.now() - startedMs;
  hooks.signal?.removeEventListener('abort', onAbort);
  watcher.stop();
  ruling.close();
  await watching;
  killTree(tree); // What the command has left behind.
  const isGone = await waitUntilGone(tree, ending === null ? 0 : UNKILLABLE_MS);
  await output.drain();
  child.stdin.destroy();
  child.process.unref();

  ruling.throwFailure();
  const { exitCode, signal } = ending ?? { exitCode: null, signal: null };
  const { outcome, reason } = ruling.verdict ?? judgeEnding({ exitCode, signal }, oomEvents.count());
  const remark = isGone ? null : 'a process of it does not die: it waits inside the kernel';
  return {
    outcome,
    exitCode,
    signal: signal ?? signalOf(exitCode),
    wallMs,
    peakBytes: watcher.peakBytes,
    means: [...means.names, 'timeout', 'stall', ...(command.lockFiles.length > 0 ? ['lock'] : [])],
    reason: [reason, remark].filter((part) => part !== null).join('; ') || null,
    stderrTail: output.tail(),
  };
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
    means: [],
    reason: 'cancelled before it was started',
    stderrTail: '',
  };
}
