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

export interface TableProperties {
  description?: string | null;
  labels?: Record<string, string | null>;
}

const DESCRIPTION_LIMIT = 16_384;
const COLUMN_DESCRIPTION_LIMIT = 1_024;
const LABELS_LIMIT = 64;

/** Throws `invalid` for labels and descriptions that the service does not take. */
export function checkProperties({ description, labels }: TableProperties): void {
  if ((description ?? '').length > DESCRIPTION_LIMIT)
    throw new ServiceError('invalid', `Table description exceeds ${DESCRIPTION_LIMIT} characters`);
  const entries = Object.entries(labels ?? {});
  if (entries.length > LABELS_LIMIT) throw new ServiceError('invalid', `Too many labels: ${entries.length}`);
  for (const [key, value] of entries)
    if (
      !/^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u.test(key) ||
      !/^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u.test(value ?? '')
    )
      throw new ServiceError('invalid', `Label "${key}" or its value "${value ?? ''}" is not valid`);
}

/** A change of a schema may add columns and describe those that are there: nothing else. */
export function checkChange(name: string, before: readonly Field[], after: readonly Field[], isView: boolean): void {
  const wanted = new Map(after.map((field) => [field.name, field]));
  const refuse = (what: string): never => {
    throw new ServiceError('invalid', `Provided Schema does not match Table ${name}. ${what}`);
  };
  if (isView && after.length !== before.length) refuse(`A view has the columns of its query`);
  for (const field of before) {
    const changed = wanted.get(field.name);
    if (changed === undefined) refuse(`Field ${field.name} is missing in new schema`);
    else if (typeOf(changed) !== typeOf(field)) refuse(`Field ${field.name} has changed type`);
    else if ((changed.mode ?? 'NULLABLE') !== (field.mode ?? 'NULLABLE'))
      refuse(`Field ${field.name} has changed mode`);
    else if ((changed.description ?? '').length > COLUMN_DESCRIPTION_LIMIT)
      throw new ServiceError('invalid', `Description of ${field.name} exceeds ${COLUMN_DESCRIPTION_LIMIT} characters`);
  }
}

const OLDER_NAMES: Record<string, string> = { INTEGER: 'INT64', FLOAT: 'FLOAT64', BOOLEAN: 'BOOL' };
const typeOf = ({ type }: Field): string => OLDER_NAMES[type.toUpperCase()] ?? type.toUpperCase();
