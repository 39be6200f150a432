/** What the queries of a pair have made, left in the workspace for whoever reads it back. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { appendDurably } from '../merge/system/append-durably.ts';
import type { PartitionSlice } from './partitions.ts';

/** A table of the service: `position` (INT64), `key` where tables are to stay, then the columns of the slices, in order, as `c0`, `c1`, ... */
export interface MergedPart {
  /** In the dataset of the configuration. */
  table: string;
  slices: PartitionSlice[];
}

export interface MergedParts {
  version: 1;
  /** Of the MergePlan and of the Staging. */
  planId: string;
  project: string;
  location: string;
  dataset: string;
  parts: MergedPart[];
}

export const mergedPartsPath = (workspace: string): string => join(workspace, 'staging', 'merged-parts.json');

/** One JSON line {session, bytes} for each session that reads the parts back, written before it reads. */
export const readSessionsPath = (workspace: string): string => join(workspace, 'staging', 'read-sessions.jsonl');

/** Adds a line to it, which is on disk on return: what is read after a power cut must be billed, too. */
export const noteRead = (workspace: string, line: object): Promise<void> =>
  appendDurably(readSessionsPath(workspace), `${JSON.stringify(line)}\n`);

/** Throws where it is missing: the queries come first. */
export async function readMergedParts(workspace: string): Promise<MergedParts> {
  return JSON.parse(await readFile(mergedPartsPath(workspace), 'utf8')) as MergedParts;
}
