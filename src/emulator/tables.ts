import { ServiceError } from './errors.ts';
import type { Upstream } from './upstream.ts';

export interface TableReference {
  projectId: string;
  datasetId: string;
  tableId: string;
}

export interface Field {
  name: string;
  type: string;
  mode?: string;
  description?: string;
}

export interface TableEntry {
  reference: TableReference;
  fields: Field[];
  rows: number;
  /** SQL of a view, else null. */
  view: string | null;
}

interface TableResource {
  numRows?: string;
  schema?: { fields?: Field[] };
  view?: { query?: string };
}

export const tableName = ({ projectId, datasetId, tableId }: TableReference): string =>
  `${projectId}.${datasetId}.${tableId}`;

/** Bytes of a value of each type of fixed width; a null counts in full (the service counts it as 0). */
const FIXED_BYTES: Record<string, number> = {
  ...{ INT64: 8, INTEGER: 8, FLOAT64: 8, FLOAT: 8, BOOL: 1, BOOLEAN: 1, DATE: 8, DATETIME: 8, TIME: 8, TIMESTAMP: 8 },
  ...{ NUMERIC: 16, BIGNUMERIC: 32, INTERVAL: 16 },
};

/**
 * The proxy's books of tables: schema, rows and logical bytes, read from the emulator and kept until a load, a query or
 * a request that the proxy has seen may have changed them.
 */
export class Tables {
  private readonly upstream: Upstream;
  private readonly entries = new Map<string, Promise<TableEntry | null>>();
  private readonly locations = new Map<string, Promise<string | null>>();
  private readonly columnBytes = new Map<string, Promise<number>>();
  /** Set by requests, milliseconds; null is never. */
  private readonly expirations = new Map<string, number | null>();
  /** The queries of views, which the emulator does not tell. */
  private readonly views = new Map<string, string>();
  /** Tables whose rows the emulator has not counted. */
  private readonly uncounted = new Set<string>();

  constructor(upstream: Upstream) {
    this.upstream = upstream;
  }

  /** The table, or null where there is none. */
  find(reference: TableReference): Promise<TableEntry | null> {
    return remember(this.entries, tableName(reference), () => this.read(reference));
  }

  /** Location of a dataset, e.g. `US`, or null where there is none. */
  location(projectId: string, datasetId: string): Promise<string | null> {
    return remember(this.locations, `${projectId}.${datasetId}`, async () => {
      const path = `/projects/${projectId}/datasets/${datasetId}`;
      const dataset = await orNull(this.upstream.call<{ location?: string }>('GET', path));
      return dataset === null ? null : (dataset.location ?? 'US');
    });
  }

  /** Logical bytes of a column: 2 and its length for each text or byte string, the type's width for others. */
  bytesOf(table: TableEntry, field: Field): Promise<number> {
    const width = FIXED_BYTES[field.type.toUpperCase()];
    if (width !== undefined && field.mode !== 'REPEATED') return Promise.resolve(width * table.rows);
    return remember(this.columnBytes, `${tableName(table.reference)}.${field.name}`, () => this.measure(table, field));
  }

  /** Something may have changed in this table. */
  forget(reference: TableReference): void {
    const name = tableName(reference);
    this.entries.delete(name);
    for (const key of this.columnBytes.keys()) if (key.startsWith(`${name}.`)) this.columnBytes.delete(key);
  }

  /** The emulator's count of its rows is not right any more. */
  recount(reference: TableReference): void {
    this.uncounted.add(tableName(reference));
    this.forget(reference);
  }

  /** Of a view that was made; null: it is gone. */
  setView(reference: TableReference, query: string | null): void {
    if (query === null) this.views.delete(tableName(reference));
    else this.views.set(tableName(reference), query);
    this.forget(reference);
  }

  /** Sets when it expires; undefined: as its dataset has it. */
  setExpiration(reference: TableReference, expiresMs: number | null | undefined): void {
    if (expiresMs === undefined) this.expirations.delete(tableName(reference));
    else this.expirations.set(tableName(reference), expiresMs);
  }

  /** When a table that was made at `createdMs` expires, or null for never. */
  async expiration(reference: TableReference, createdMs: number): Promise<number | null> {
    const own = this.expirations.get(tableName(reference));
    if (own !== undefined) return own;
    const path = `/projects/${reference.projectId}/datasets/${reference.datasetId}`;
    const dataset = await this.upstream.call<{ defaultTableExpirationMs?: string }>('GET', path);
    const { defaultTableExpirationMs: keptMs } = dataset;
    return keptMs === undefined ? null : createdMs + Number(keptMs);
  }

  /** Logical bytes of all its columns. */
  async totalBytes(table: TableEntry): Promise<number> {
    let bytes = 0;
    for (const field of table.fields) bytes += await this.bytesOf(table, field);
    return bytes;
  }

  /** Anything may have changed. */
  forgetAll(): void {
    this.entries.clear();
    this.locations.clear();
    this.columnBytes.clear();
  }

  private async read(reference: TableReference): Promise<TableEntry | null> {
    const { projectId, datasetId, tableId } = reference;
    const path = `/projects/${projectId}/datasets/${datasetId}/tables/${tableId}`;
    const table = await orNull(this.upstream.call<TableResource>('GET', path));
    if (table === null) return null;
    const view = table.view?.query ?? this.views.get(tableName(reference)) ?? null;
    const isCounted = view !== null || !this.uncounted.has(tableName(reference));
    const rows = isCounted ? Number(table.numRows ?? 0) : await this.number(reference, 'COUNT(*)');
    const fields = table.schema?.fields ?? (view === null ? [] : await this.columnsOf(reference));
    return { reference, fields, rows, view };
  }

  /** A view's columns, of which the emulator tells nothing. */
  private async columnsOf({ projectId, datasetId, tableId }: TableReference): Promise<Field[]> {
    const query = `SELECT * FROM \`${projectId}.${datasetId}.${tableId}\` LIMIT 0`;
    const answer = await this.upstream.call<{ schema?: { fields?: Field[] } }>(
      'POST',
      `/projects/${projectId}/queries`,
      {
        ...{ query, useLegacySql: false },
      },
    );
    return answer.schema?.fields ?? [];
  }

  private async measure(table: TableEntry, field: Field): Promise<number> {
    const column = `\`${field.name}\``;
    const [text, overhead] = /^(STRING|BYTES)$/i.test(field.type) ? [column, 2] : [`TO_JSON_STRING(${column})`, 0];
    const bytes = `COUNT(${column}) * ${overhead} + COALESCE(SUM(BYTE_LENGTH(${text})), 0)`;
    return this.number(table.reference, bytes);
  }

  /** An aggregate over a table, asked of the emulator. */
  private async number(reference: TableReference, aggregate: string): Promise<number> {
    const query = `SELECT ${aggregate} FROM \`${tableName(reference)}\``;
    const path = `/projects/${reference.projectId}/queries`;
    const answer = await this.upstream.call<{ rows?: { f: { v: string }[] }[] }>('POST', path, {
      query,
      useLegacySql: false,
    });
    return Number(answer.rows?.[0]?.f[0]?.v ?? 0);
  }
}

/** What cannot be had is not remembered. */
function remember<T>(cache: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  let value = cache.get(key);
  if (value === undefined) {
    value = make();
    cache.set(key, value);
    value.then(
      (found) => found === null && cache.delete(key),
      () => cache.delete(key),
    );
  }
  return value;
}

async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ServiceError && error.status === 404) return null;
    throw error;
  }
}
