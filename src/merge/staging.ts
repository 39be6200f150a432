/**
 * What the step `prepare` leaves in the workspace for a backend that merges elsewhere: the spine as a file, and for every
 * checkpoint the footer that turns it into its physical view. A view is the source's bytes followed by its tail, so that
 * nothing is copied to be sent, and who sends it parses nothing.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fingerprint } from './plan.ts';

export interface Staging {
  version: 1;
  /** Of the MergePlan. */
  planId: string;
  /** Of the output. */
  rows: number;
  rowGroupRows: number[];
  /** The output's key column; its type in the words of describeType. */
  key: { name: string; described: string };
  spine: StagedSpine;
  checkpoints: StagedCheckpoint[];
}

/** A Parquet file with the columns `position` (INT64, 0 to rows - 1) and `key` (INT64, or BYTE_ARRAY), no nulls. */
export interface StagedSpine {
  path: string;
  bytes: number;
  /** SHA-256 of the file, hex. */
  content: string;
  keyType: 'int64' | 'byteArray';
  /** Of a key, on average. */
  keyBytes: number;
}

/** The view's columns: `key`, then `c0`, `c1`, ... for the columns of the checkpoint but the key, in its own order. */
export interface StagedCheckpoint {
  name: string;
  path: string;
  fingerprint: Fingerprint;
  /** Follows the source's bytes. */
  tail: { path: string; bytes: number };
  /** SHA-256 of the view: the source's bytes and the tail, hex. */
  content: string;
  rows: number;
  key: StagedKey;
  columns: StagedColumn[];
}

export interface StagedKey {
  /** In the words of describeType: int32, int64 or byteArray. */
  type: string;
  /** Where 32 bits hold an unsigned number: its negative values are 2^32 more. */
  unsigned32: boolean;
  /** The spine's key is this key times so much (other units of time), a decimal integer; '1' for bytes. */
  factor: string;
}

export interface StagedColumn {
  /** Physical type in the words of describeType, e.g. `double`, `int32`, `byteArray`. */
  type: string;
  /** The user's name of it. */
  name: string;
  /** Physical and logical type in the words of describeType, e.g. `int64 timestamp us utc`. */
  described: string;
  /** Of byte arrays: bytes of a value on average, without its length; else 0. */
  payloadBytes: number;
}

export const stagingFolder = (workspace: string): string => join(workspace, 'staging');
export const stagingPath = (workspace: string): string => join(stagingFolder(workspace), 'staging.json');

/** Throws where it is missing: the step `prepare` comes first. */
export async function readStaging(workspace: string): Promise<Staging> {
  return JSON.parse(await readFile(stagingPath(workspace), 'utf8')) as Staging;
}
