import { createHash } from 'node:crypto';
import type { RunConfig } from '../payloads.ts';

/** Tells whether two checked configurations are the same, whatever the order of their keys. 64 hexadecimal digits. */
export function configDigest(config: RunConfig): string {
  return createHash('sha256').update(canonical(config)).digest('hex');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}
