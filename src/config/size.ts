import * as z from 'zod';
import { BYTES_PATTERN, parseBytes } from './units.ts';

const SIZE = { error: 'a size with its unit, e.g. 40GiB' };
const size = z.string(SIZE).regex(BYTES_PATTERN, SIZE);

/** `40GiB` as people write it, at least `lowest`; bytes. */
export const bytesFrom = (lowest: number) =>
  size.transform((text, context) => {
    const value = parseBytes(text);
    if (value !== undefined && value >= lowest) return value;
    context.addIssue({ code: 'custom', message: `a size of at least ${lowest / 2 ** 20} MiB and below 9 PB` });
    return z.NEVER;
  });
