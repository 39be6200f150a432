/**
 * Which jobs have been settled, and with how much: what makes a repeated settle harmless. It must survive every
 * continue-as-new within a payload of 2 MB, so a job is kept as a hash of its id (53 bits) and its amount, some 20 bytes,
 * and beyond the last 30,000 jobs the oldest are forgotten. A run of 27 pairs has some hundreds. A job that has been
 * forgotten and is settled again is counted twice: the error is to spend less than was allowed, never more.
 */
export class SettledJobs {
  private readonly nanos = new Map<string, number>();

  constructor(packed = '') {
    for (const entry of packed.split(' ')) {
      const [hash, amount] = entry.split(':');
      if (hash) this.nanos.set(hash, parseInt(amount ?? '0', 36));
    }
  }

  get(jobId: string): number | undefined {
    return this.nanos.get(hashOf(jobId));
  }

  set(jobId: string, nanos: number): void {
    this.nanos.set(hashOf(jobId), nanos);
    if (this.nanos.size > JOBS_KEPT) this.nanos.delete(this.nanos.keys().next().value!);
  }

  /** For the constructor. */
  pack(): string {
    return Array.from(this.nanos, ([hash, nanos]) => `${hash}:${nanos.toString(36)}`).join(' ');
  }
}

const JOBS_KEPT = 30_000;

/** cyrb53, by bryc (public domain): crypto does not exist in a workflow. */
function hashOf(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(36);
}
