/**
 * The bytes of a table as `prepare` has left them, read for the service. What is sent is what was prepared: the bytes
 * are digested on their way, and the last of them are held back until their digest is known to be the one that names
 * the table. So a request that says how long it is stays unfinished where it is not, and nothing comes of it.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { MergeFailure } from '../merge/errors.ts';
import { assertUnchanged } from '../merge/fingerprint.ts';
import type { Fingerprint } from '../merge/plan.ts';

export interface UploadSource {
  /** For messages. */
  name: string;
  /** In this order; only the bytes that are named here are sent. */
  files: { path: string; bytes: number; fingerprint?: Fingerprint }[];
  /** SHA-256 of all of it, hex. */
  content: string;
}

interface Reading {
  /** All bytes are digested, and only those from here on are given. */
  from?: number;
  /** Another digest that takes all bytes, too. */
  also?: Hash;
  /** Told of bytes that were taken. */
  onBytes?: ((bytes: number) => void) | undefined;
}

const READ_BYTES = 256 * 1024;

export const sizeOf = ({ files }: UploadSource): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

/** Throws MergeFailure InputChanged in place of the last part. */
export async function* checkedBytes(source: UploadSource, reading: Reading = {}): AsyncGenerator<Buffer> {
  const { from = 0, also, onBytes } = reading;
  const digest = createHash('sha256');
  let [at, held] = [0, Buffer.alloc(0)];
  for await (const part of partsOf(source)) {
    digest.update(part);
    also?.update(part);
    if (held.length > 0) {
      yield held;
      onBytes?.(held.length);
    }
    held = part.subarray(Math.max(0, from - at));
    at += part.length;
  }
  if (digest.digest('hex') !== source.content) throw changed(source);
  yield held;
  onBytes?.(held.length);
}

/** Throws MergeFailure InputChanged. */
export function assertSourcesUnchanged({ name, files }: UploadSource): void {
  for (const { path, fingerprint } of files) if (fingerprint) assertUnchanged({ name, path, fingerprint });
}

async function* partsOf(source: UploadSource): AsyncGenerator<Buffer<ArrayBuffer>> {
  for (const { path, bytes } of source.files) {
    if (bytes === 0) continue;
    let left = bytes;
    for await (const chunk of createReadStream(path, { end: bytes - 1, highWaterMark: READ_BYTES })) {
      left -= (chunk as Buffer).length;
      yield chunk as Buffer<ArrayBuffer>;
    }
    if (left > 0) throw changed(source);
  }
}

const changed = ({ name }: UploadSource): MergeFailure =>
  new MergeFailure('InputChanged', `${name}: changed since it was prepared for BigQuery; start the merge again`, {
    file: name,
  });
