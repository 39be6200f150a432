const NANOS_PER_DOLLAR = 1_000_000_000;

/** The highest budget, and the highest cost of one job: a million dollars, in nano-dollars. */
export const HIGHEST_NANOS = 1_000_000 * NANOS_PER_DOLLAR;

/** An amount as a person writes it, `25`, `$25.50`, `0.001`; nano-dollars, exactly. Undefined where it is none. */
export function parseDollars(text: string): number | undefined {
  const parts = /^\$?(\d{1,9})(?:\.(\d{1,9}))?$/.exec(text.trim());
  if (!parts) return undefined;
  return Number(parts[1]) * NANOS_PER_DOLLAR + Number((parts[2] ?? '').padEnd(9, '0'));
}

/** `$18.48`, `$0.1432`: whole cents at least, up to four digits; all nine where four would show nothing of it. */
export function formatDollars(nanos: number): string {
  const step = nanos < NANOS_PER_DOLLAR / 100 ? 1 : NANOS_PER_DOLLAR / 10_000;
  const rounded = Math.round(nanos / step) * step;
  const fraction = String(rounded % NANOS_PER_DOLLAR).padStart(9, '0');
  return `$${Math.floor(rounded / NANOS_PER_DOLLAR)}.${fraction.slice(0, 2)}${fraction.slice(2).replace(/0+$/, '')}`;
}
