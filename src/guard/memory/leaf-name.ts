import { readlinkSync } from 'node:fs';

import { readStat } from '../proc.ts';

/**
 * Names of the control groups that guards make: `widemerge-guard-<pid namespace>-<pid>-<start ticks>-<number>`. A leaf whose guard is gone
 * is left over, and the next guard removes it. Pids mean something within their namespace only: leaves of another one are nobody's
 * business here.
 */
const PREFIX = 'widemerge-guard';
let made = 0;

export function newLeafName(): string {
  return [PREFIX, pidNamespace(), process.pid, readStat(process.pid)?.startTicks ?? 0, ++made].join('-');
}

/** Whether the name is of a guard of this pid namespace that does not live any more. */
export function isLeftOver(name: string): boolean {
  const [, namespace, pid, startTicks] = /^widemerge-guard-(\w+)-(\d+)-(\d+)-\d+$/.exec(name) ?? [];
  if (namespace === undefined || namespace !== pidNamespace()) return false;
  return readStat(Number(pid))?.startTicks !== Number(startTicks);
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
