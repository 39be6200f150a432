import { constants } from 'node:os';

import type { GuardOutcome } from './command.ts';

/** Why the guard ends a tree. */
export interface Verdict {
  outcome: GuardOutcome;
  reason: string;
  /** The safeguard that it comes from. */
  by: string | null;
  /** SIGTERM and a grace first; else SIGKILL at once. */
  gentle: boolean;
  /** Of a stall: see GuardReport. */
  evidence?: string[];
  /** Instead of SIGTERM. */
  signal?: NodeJS.Signals;
}

/** Reason of an abort that passes a signal on. */
export class PassedOn extends Error {
  override name = 'PassedOn';
  readonly signal: NodeJS.Signals;
  constructor(signal: NodeJS.Signals) {
    super(signal);
    this.signal = signal;
  }
}

export interface Ending {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

/** The kernel's kills for want of memory while a command ran: all that could be its own, and those in a group that had only it. */
export interface OomKills {
  possible: number;
  own: number;
}

/** The outcome of a command that ended by itself or by somebody else's hand. */
export function judgeEnding(ending: Ending, kills: OomKills): { outcome: GuardOutcome; reason: string | null } {
  if (ending.exitCode === 0) return { outcome: 'succeeded', reason: null };
  const signal = ending.signal ?? signalOf(ending.exitCode);
  if (kills.own > 0) {
    const what = signal === 'SIGKILL' ? 'it' : 'a process of it';
    return { outcome: 'memory-exhausted', reason: `the kernel killed ${what} at its memory limit` };
  }
  if (signal === null) return { outcome: 'failed', reason: null };
  if (signal === 'SIGKILL' && kills.possible > 0) {
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
