/**
 * What the tables of a pair are called and how they look. A name says what is in the table (a digest of it), so whoever
 * comes after a crash, or in the next run, finds what is there; its prefix says whose it is, so that all of a pair's are
 * found when they are to go, also where nothing is left on disk.
 */
import { createHash } from 'node:crypto';
import type { BigqueryConfig } from '../payloads.ts';
import type { StagedCheckpoint, StagedKey, StagedSpine, Staging } from '../merge/staging.ts';
import { leavesTables } from './leaves-tables.ts';
import type { PartitionSlice } from './partitions.ts';
import { stagingType, type StagingType } from './types.ts';

export interface CloudRequest {
  /** Of the pair, with the folder `staging` in it. */
  workspace: string;
  /** The run's label, minted once: `<name>@<ISO start>`. */
  run: string;
  pair: string;
  /** Operator's retries so far. */
  round: number;
  config: BigqueryConfig & { project: string };
}

export interface TableShape {
  name: string;
  rows: number;
  fields: { name: string; type: StagingType['bigquery'] }[];
}

/** Names begin with it: those of the same pair of a run of the same name, whenever it was started. */
export const tablePrefix = ({ run, pair }: Pick<CloudRequest, 'run' | 'pair'>): string =>
  `w${digest([run.replace(/@[^@]*$/, ''), pair]).slice(0, 12)}_`;

/** What all of them are called, and what they hold: the spine, a checkpoint (s), merged columns (m). */
export const TABLE_NAME = /^w[0-9a-f]{12}_(spine|s|m)_[0-9a-f]{32}$/;

export const spineTable = (request: CloudRequest, { spine, rows }: Staging): TableShape => ({
  name: `${tablePrefix(request)}spine_${spine.content.slice(0, 32)}`,
  rows,
  fields: [
    { name: 'position', type: 'INT64' },
    { name: 'key', type: keyType(spine) },
  ],
});

/** Columns in the order of the view: whoever loads by position and whoever loads by name come to the same. */
export const checkpointTable = (request: CloudRequest, checkpoint: StagedCheckpoint): TableShape => ({
  name: `${tablePrefix(request)}s_${checkpoint.content.slice(0, 32)}`,
  rows: checkpoint.rows,
  fields: [
    { name: 'key', type: fieldType(checkpoint.key.type) },
    ...checkpoint.columns.map(({ type }, index) => ({ name: `c${index}`, type: fieldType(type) })),
  ],
});

/** What one query works on: two that have the same digest have the same result. */
export const mergeContent = (
  { config }: CloudRequest,
  { spine, checkpoints }: Staging,
  slices: PartitionSlice[],
): string =>
  digest([
    ...(leavesTables(config) ? ['with its key'] : []),
    spine.content,
    slices.map(({ file, first, count }) => {
      const { content, key } = checkpoints[file]!;
      return [content, keyFacts(key), first, count];
    }),
  ]);

/** What a query makes of the slices: rows as wide as its partition. */
export const mergedTable = (request: CloudRequest, staging: Staging, slices: PartitionSlice[]): TableShape => ({
  name: `${tablePrefix(request)}m_${mergeContent(request, staging, slices).slice(0, 32)}`,
  rows: staging.rows,
  fields: [
    { name: 'position', type: 'INT64' },
    ...(leavesTables(request.config) ? [{ name: 'key', type: keyType(staging.spine) }] : []),
    ...slices
      .flatMap(({ file, first, count }) => staging.checkpoints[file]!.columns.slice(first, first + count))
      .map(({ type }, index) => ({ name: `c${index}`, type: fieldType(type) })),
  ],
});

/** Labels of jobs and tables reach the bill: lower case, digits, `_` and `-`, at most 63 characters each. */
const LABEL_LENGTH = 63;

export const jobLabels = (request: Pick<CloudRequest, 'run' | 'pair'>, step: string): Record<string, string> => ({
  ...tableLabels(request),
  widemerge_step: labelValue(step),
});

/** A long name is cut before the run's start, which tells it from all others. */
export function tableLabels({ run, pair }: Pick<CloudRequest, 'run' | 'pair'>): Record<string, string> {
  const start = labelValue(/@[^@]*$/.exec(run)?.[0] ?? '');
  const name = labelValue(run.replace(/@[^@]*$/, '')).slice(0, LABEL_LENGTH - start.length);
  return { widemerge_run: `${name}${start}`, widemerge_pair: labelValue(pair) };
}

export const labelValue = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .slice(0, LABEL_LENGTH);

const keyFacts = ({ unsigned32, factor }: StagedKey): unknown[] => [unsigned32, factor];
const keyType = (spine: StagedSpine): StagingType['bigquery'] => (spine.keyType === 'int64' ? 'INT64' : 'BYTES');

function fieldType(type: string): StagingType['bigquery'] {
  const staged = stagingType(type);
  if (staged === null) throw new TypeError(`columns of the type ${type} are refused before anything is prepared`);
  return staged.bigquery;
}

const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');
