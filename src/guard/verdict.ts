import { constants } from 'node:os';

import type { GuardOutcome } from './command.ts';

/** Why the guard ends a tree. */
export interface Verdict {
  outcome: GuardOutcome;
  reason: string;
  /** SIGTERM and a grace first; else SIGKILL at once. */
  gentle: boolean;
}

export interface Ending {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

/** The outcome of a command that ended by itself or by somebody else's hand. `oomKills`: of the kernel, while it ran. */
export function judgeEnding(ending: Ending, oomKills: number): { outcome: GuardOutcome; reason: string | null } {
  if (ending.exitCode === 0) return { outcome: 'succeeded', reason: null };
  const signal = ending.signal ?? signalOf(ending.exitCode);
  if (signal === null) return { outcome: 'failed', reason: null };
  if (signal === 'SIGKILL' && oomKills > 0) {
    return { outcome: 'memory-exhausted', reason: 'the kernel killed it for want of memory' };
  }
  return { outcome: 'killed', reason: `ended by ${signal}, which the guard did not send` };
}

/** A shell in between reports its child's signal as 128 + number. */
export function signalOf(exitCode: number | null): NodeJS.Signals | null {
  if (exitCode === null || exitCode <= 128) return null;
  const found = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128);
  return found === undefined ? null : (found[0] as NodeJS.Signals);
}
