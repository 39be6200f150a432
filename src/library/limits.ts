import { defaultMemoryBytes, machineMemoryBytes } from '../config/machine-memory.ts';
import { DEFAULT_STALL_MS, DEFAULT_TIMEOUT_MS, KILL_SHARE, MEMORY_SHARE } from '../config/rules.ts';
import type { GuardLimits } from '../guard/command.ts';

export interface WantedLimits {
  /** 40 GiB where it is missing. */
  memoryBytes?: number | undefined;
  timeoutMs?: number | undefined;
  stallMs?: number | undefined;
}

/** SIGTERM's grace before SIGKILL: the child only has to stop, what is on disk is fsynced as it goes. */
const GRACE_MS = 5_000;
/** The watcher sees what no limit of the kernel counts, and a little later. */
const KILL_ABOVE = 1.25;

/** The limits of work that no configuration speaks for; never more memory than leaves the machine reachable, whatever is wanted. */
export function limitsFor({ memoryBytes, timeoutMs, stallMs }: WantedLimits): GuardLimits {
  const machineBytes = machineMemoryBytes();
  const limitBytes = Math.min(memoryBytes ?? defaultMemoryBytes(machineBytes), Math.floor(MEMORY_SHARE * machineBytes));
  return {
    memoryBytes: limitBytes,
    killAboveBytes: Math.min(Math.round(KILL_ABOVE * limitBytes), Math.floor(KILL_SHARE * machineBytes)),
    timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS,
    stallMs: stallMs ?? DEFAULT_STALL_MS,
    graceMs: GRACE_MS,
  };
}
