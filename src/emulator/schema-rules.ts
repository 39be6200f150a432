import { ServiceError } from './errors.ts';
import type { Field } from './tables.ts';

/** Of a table, a view or a result. */
const COLUMNS_LIMIT = 10_000;

/** Throws `invalid` where the service takes no such schema: too many columns, or names that differ in case only. */
export function checkSchema(fields: readonly Field[]): void {
  checkColumnCount(fields.length);
  const seen = new Set<string>();
  for (const { name } of fields) {
    const folded = name.toLowerCase();
    if (seen.has(folded)) throw new ServiceError('invalid', `Duplicate field name: ${name}`);
    seen.add(folded);
    if (!/^[\p{L}\p{N}_&%=+:'<>#|\- ]{1,300}$/u.test(name))
      throw new ServiceError(
        'invalid',
        `Invalid field name "${name}". Fields must contain allowed characters, and be at most 300 characters long.`,
      );
  }
}

export function checkColumnCount(columns: number): void {
  if (columns > COLUMNS_LIMIT)
    throw new ServiceError('invalid', `Too many columns: ${columns}. A table or a result has at most ${COLUMNS_LIMIT}`);
}
