/** What the steps of a pair cost, in whole nano-dollars, rounded up: list prices of on-demand billing. */
import type { BigqueryConfig } from '../payloads.ts';
import type { LineKind } from '../budget/messages.ts';
import { GIB, TIB } from './limits.ts';
import { nanosOf } from './purse.ts';

const MS_A_MONTH = 730 * 3_600_000;

export const queryNanos = (bytesBilled: number, { prices }: BigqueryConfig): number =>
  nanosOf((bytesBilled / TIB) * prices.queryPerTiB);

/** Of tables of so many bytes that are kept so long. */
export const storageNanos = (bytes: number, keptMs: number, { prices }: BigqueryConfig): number =>
  nanosOf((bytes / GIB) * prices.storagePerGiBMonth * (keptMs / MS_A_MONTH));

/** Of so many bytes read back: egress counts only where the worker is elsewhere. */
export function readCost(bytes: number, config: BigqueryConfig): { kind: LineKind; nanos: number }[] {
  const { prices, location, workerLocation } = config;
  const read = { kind: 'storage-read' as const, nanos: nanosOf((bytes / TIB) * prices.storageReadPerTiB) };
  if (workerLocation?.toLowerCase() === location.toLowerCase()) return [read];
  return [read, { kind: 'egress', nanos: nanosOf((bytes / GIB) * prices.egressPerGiB) }];
}
