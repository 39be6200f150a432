import { defaultMemoryBytes, machineMemoryBytes } from '../config/machine-memory.ts';
import { DEFAULT_STALL_MS, DEFAULT_TIMEOUT_MS, GRACE_MS, MEMORY_SHARE } from '../config/rules.ts';
import type { GuardLimits } from '../guard/command.ts';

export interface WantedLimits {
  /** 40 GiB where it is missing, or 80 % of a smaller machine. */
  memoryBytes?: number | undefined;
  timeoutMs?: number | undefined;
  stallMs?: number | undefined;
}

/** The limits of work that no configuration speaks for; never more memory than leaves the machine reachable, whatever is wanted. */
export function limitsFor({ memoryBytes, timeoutMs, stallMs }: WantedLimits): GuardLimits {
  const machineBytes = machineMemoryBytes();
  const limitBytes = Math.min(memoryBytes ?? defaultMemoryBytes(machineBytes), Math.floor(MEMORY_SHARE * machineBytes));
  return {
    memoryBytes: limitBytes,
    killAboveBytes: limitBytes,
    timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS,
    stallMs: stallMs ?? DEFAULT_STALL_MS,
    graceMs: GRACE_MS,
  };
}
