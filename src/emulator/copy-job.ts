import { ServiceError } from './errors.ts';
import type { Job } from './jobs.ts';
import type { MetadataRate } from './metadata-rate.ts';
import { commonLocation } from './scan.ts';
import { tableName } from './tables.ts';
import type { TableReference, Tables } from './tables.ts';

interface CopyConfiguration {
  sourceTable?: TableReference;
  destinationTable?: TableReference;
  createDisposition?: string;
  writeDisposition?: string;
}

/** A copy of one table, free; `copy` is the emulator's work, which checks nothing. */
export async function runCopy(
  { tables, rate }: { tables: Tables; rate: MetadataRate | null },
  job: Job,
  copy: () => Promise<void>,
): Promise<void> {
  const configuration = job.configuration.copy as CopyConfiguration;
  const { sourceTable, destinationTable, createDisposition, writeDisposition = 'WRITE_EMPTY' } = configuration;
  if (sourceTable === undefined || destinationTable === undefined)
    throw new ServiceError('notImplemented', 'the proxy copies one table to one other');
  await commonLocation(tables, [sourceTable, destinationTable], job.reference.location);
  const source = await tables.find(sourceTable);
  if (source === null) throw new ServiceError('notFound', `Not found: Table ${tableName(sourceTable)}`);
  if (source.view !== null)
    throw new ServiceError('invalid', `${tableName(sourceTable)} is a view: only tables are copied`);
  const existing = await tables.find(destinationTable);
  if (existing === null && createDisposition === 'CREATE_NEVER')
    throw new ServiceError('notFound', `Not found: Table ${tableName(destinationTable)}`);
  if (existing !== null && (existing.view !== null || (writeDisposition === 'WRITE_EMPTY' && existing.rows > 0)))
    throw new ServiceError('duplicate', `Already Exists: Table ${tableName(destinationTable)}`);
  rate?.count(destinationTable);
  try {
    await copy();
  } finally {
    tables.forget(destinationTable);
  }
}
