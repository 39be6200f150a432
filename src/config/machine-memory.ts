import { totalmem } from 'node:os';
import { MEMORY_SHARE } from './rules.ts';

/** 40 GiB, or 80 % of a smaller machine: what is left keeps the machine reachable. */
export function defaultMemoryBytes(machineBytes: number): number {
  return Math.min(40 * 2 ** 30, Math.floor(MEMORY_SHARE * machineBytes));
}

/** Memory of the machine, or of the container where that has less; bytes. */
export function machineMemoryBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
