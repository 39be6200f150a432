import { ServiceError } from './errors.ts';
import { tableName } from './tables.ts';
import type { TableReference } from './tables.ts';

const UPDATES = 5;
const WINDOW_MS = 10_000;

/** At most 5 updates of a table's metadata in 10 seconds: creations, changes, and jobs that write it. */
export class MetadataRate {
  private readonly updates = new Map<string, number[]>();

  /** Counts an update; throws `rateLimitExceeded` where it is one too many. */
  count(reference: TableReference): void {
    const now = performance.now();
    const name = tableName(reference);
    const recent = (this.updates.get(name) ?? []).filter((at) => now - at < WINDOW_MS);
    if (recent.length >= UPDATES)
      throw new ServiceError(
        'rateLimitExceeded',
        `Exceeded rate limits: too many table update operations for this table (${name})`,
      );
    this.updates.set(name, [...recent, now]);
  }
}
