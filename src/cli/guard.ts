import { writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { machineLockPath } from '../config/environment.ts';
import { GRACE_MS, MEMORY_SHARE } from '../config/rules.ts';
import { defaultMemoryBytes, machineMemoryBytes } from '../config/machine-memory.ts';
import type { GuardedCommand, GuardLimits, GuardReport } from '../guard/command.ts';
import { CommandUnusableError } from '../guard/executable.ts';
import { LockBusyError } from '../guard/lock.ts';
import { runGuarded } from '../guard/run.ts';
import { PassedOn } from '../guard/verdict.ts';
import { reportLines } from './guard-report.ts';

export interface GuardOptions {
  memory?: number;
  killAbove?: number;
  timeout: number;
  stall: number;
  lock: boolean;
  json: boolean;
  report?: string;
}

/** The guard's own endings, as of timeout(1) and shells; every other exit code is the command's. */
export const GUARD_EXIT = {
  /** Too long, or without progress. */
  timedOut: 124,
  /** Out of memory, or the guard could not do its work: the command was not started, or did not run on without it. */
  guard: 125,
  notExecutable: 126,
  notFound: 127,
} as const;

/** `widemerge guard -- COMMAND ...`: any program under all safeguards. Ends this process with the command's exit code, or one of the guard's. */
export async function guard(words: string[], options: GuardOptions): Promise<void> {
  const [command = '', ...args] = words;
  const limits = limitsOf(options);
  const guarded: GuardedCommand = {
    command,
    args,
    passThrough: true,
    isolate: true,
    lockFiles: options.lock ? [machineLockPath] : [],
    evidenceFile: evidencePath(options),
  };
  using passing = passSignalsOn();
  let report: GuardReport;
  try {
    report = await runGuarded(guarded, limits, { signal: passing.signal });
  } catch (error) {
    process.exitCode = refusal(error, options.json);
    return;
  }
  process.exitCode = exitCodeOf(report);
  const facts = {
    ...report,
    wallMs: Math.round(report.wallMs),
    exitCode: process.exitCode,
    commandExitCode: report.exitCode,
    limits,
  };
  console.error(options.json ? JSON.stringify(facts) : reportLines(report, limits).join('\n'));
  if (options.report !== undefined) saveReport(options.report, facts);
}

/** Never more than leaves the machine reachable. */
function limitsOf({ memory, killAbove, timeout, stall }: GuardOptions): GuardLimits {
  const most = Math.floor(MEMORY_SHARE * machineMemoryBytes());
  const wanted = memory ?? defaultMemoryBytes(machineMemoryBytes());
  const memoryBytes = Math.min(wanted, most);
  if (wanted > most) say(`--memory is more than 80 % of this machine's: ${most} bytes are the limit`);
  return {
    memoryBytes,
    killAboveBytes: killAbove ?? memoryBytes,
    timeoutMs: timeout,
    stallMs: stall,
    graceMs: GRACE_MS,
  };
}

function evidencePath({ report }: GuardOptions): string {
  return report === undefined
    ? join(tmpdir(), `widemerge-guard-${process.pid}.stalled.txt`)
    : `${resolve(report)}.stalled.txt`;
}

/** The first signal goes to the whole tree, which then has its grace; the second ends all at once. */
function passSignalsOn(): { signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(codeOfSignal(name));
    controller.abort(new PassedOn(name));
  };
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of names) process.off(name, onSignal);
    },
  };
}

function exitCodeOf({ outcome, exitCode, signal }: GuardReport): number {
  if (outcome === 'timed-out' || outcome === 'stalled') return GUARD_EXIT.timedOut;
  if (outcome === 'memory-exhausted') return GUARD_EXIT.guard;
  // 128 + number, as shells say it.
  return exitCode ?? (signal === null ? GUARD_EXIT.guard : codeOfSignal(signal));
}

/** Says why the command was not run, and with which code this ends. */
function refusal(error: unknown, json: boolean): number {
  const message = error instanceof Error ? error.message : String(error);
  const isBusy = error instanceof LockBusyError;
  const text = isBusy ? `another merge runs on this machine: ${message} (--no-lock does not ask)` : message;
  if (json) console.error(JSON.stringify({ outcome: 'not-started', reason: text }));
  else say(text);
  if (!(error instanceof CommandUnusableError)) return GUARD_EXIT.guard;
  return error.code === 'ENOENT' ? GUARD_EXIT.notFound : GUARD_EXIT.notExecutable;
}

function saveReport(file: string, facts: object): void {
  try {
    writeFileSync(file, `${JSON.stringify(facts)}\n`);
  } catch (error) {
    // The command has run, and its exit code is what counts.
    say(`the report cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const codeOfSignal = (name: NodeJS.Signals): number => 128 + constants.signals[name];

function say(text: string): void {
  console.error(`widemerge guard: ${text}`);
}
