/** Sizes and durations the way people write them: `40GiB`, `512 MB`, `1.5h`, `30m`. */

const BYTE_UNITS: Record<string, number> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

const DURATION_UNITS: Record<string, number> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 };

/** Patterns for JSON Schema and zod; they say exactly what the parsers below take. */
export const BYTES_PATTERN = /^\d+(\.\d+)? ?(B|[kK]B|MB|GB|TB|KiB|MiB|GiB|TiB)$/;
export const DURATION_PATTERN = /^\d+(\.\d+)? ?(ms|s|m|h|d)$/;
export const PERCENT_PATTERN = /^(100(\.0+)?|\d{1,2}(\.\d+)?) ?%$/;

/** Bytes of `40GiB`, `500 MB` or `1024B`, rounded to a whole byte; undefined where the text is no size. */
export function parseBytes(text: string): number | undefined {
  return parseQuantity(text, BYTES_PATTERN, BYTE_UNITS);
}

/** Milliseconds of `30m`, `1.5h` or `250ms`; undefined where the text is no duration. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, DURATION_PATTERN, DURATION_UNITS);
}

function parseQuantity(text: string, pattern: RegExp, units: Record<string, number>): number | undefined {
  if (!pattern.test(text)) return undefined;
  const number = Number.parseFloat(text);
  const unit = units[text.replace(/^[\d. ]+/, '')];
  const value = unit === undefined ? NaN : Math.round(number * unit);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** `1.50 GiB`, `312 MiB`, `17 B`: three figures, binary units. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** `177,748`: a whole number with its thousands. By Intl, the first one takes 12 ms of a command. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `0.8 s`, `42 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${seconds.toFixed(0)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}
