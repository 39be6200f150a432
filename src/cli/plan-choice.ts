import { formatBytes, formatDuration } from '../config/units.ts';
import type { BackendName } from '../contract.ts';
import type { EnginePlan, PlanSettings } from './plan-engines.ts';

/** Which backend of the chain is expected to merge a pair, and why. */
export interface EngineChoice {
  chain: readonly BackendName[];
  /** Null where the pair is expected to be set aside. */
  engine: BackendName | null;
  /** One line. */
  why: string;
}

/** Walks the chain as a run does: a backend that runs out of memory or time, or may not keep a type, hands the pair to the next; other failures set it aside. */
export function chooseEngine(
  engines: readonly EnginePlan[],
  { chain, machine, timeoutMs }: PlanSettings,
): EngineChoice {
  const before: string[] = [];
  for (const name of chain) {
    const own = engines.find(({ engine }) => engine === name);
    if (own === undefined) continue;
    if (own.end === 'merged') return found(name, `${name} fits`);
    // Of a person's own command nothing is known: it is tried.
    if (own.end === null) return found(name, own.why ?? '');
    before.push(`${name} ${tellEnd(own)}`);
    if (own.end === 'set aside') return { chain, engine: null, why: `${before.join('; ')}: it would be set aside` };
  }
  return { chain, engine: null, why: `${before.join('; ')}: no other backend follows` };

  function found(engine: BackendName, reason: string): EngineChoice {
    const place = engine === chain[0] ? 'the first of' : 'of';
    return { chain, engine, why: `${place} ${chain.join(' -> ')}: ${[...before, reason].join('; ')}` };
  }

  function tellEnd({ leastLimitBytes, slowMs, why, end }: EnginePlan): string {
    const refused = `would not take it (${why ?? ''})`;
    if (end === 'set aside') return refused;
    if (leastLimitBytes !== null && leastLimitBytes > machine.memoryBytes)
      return `is expected to run out of memory (${formatBytes(leastLimitBytes)} of ${formatBytes(machine.memoryBytes)})`;
    if (slowMs !== null && slowMs > timeoutMs)
      return `is expected to run out of time (${formatDuration(slowMs)} of ${formatDuration(timeoutMs)})`;
    return refused;
  }
}
