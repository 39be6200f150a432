/**
 * What is read back from BigQuery, and its price. The process that reads notes each session before it reads from it, in a
 * file of the workspace; this side notes each attempt before it reserves for it. So what an attempt has read is billed whatever became of
 * it, by itself or by the one that comes after it.
 */
import { readFile } from 'node:fs/promises';
import { firstEpochOf, identityOf } from '../bigquery/cloud-session.ts';
import { readCost } from '../bigquery/costs.ts';
import { jobId } from '../bigquery/job-id.ts';
import { noteRead, readMergedParts, readSessionsPath, type MergedPart } from '../bigquery/merged-parts.ts';
import type { Purse, PurseLine } from '../bigquery/purse.ts';
import type { CloudRequest } from '../bigquery/staging-tables.ts';
import { stagingType } from '../bigquery/types.ts';
import { readStaging, type Staging } from '../merge/staging.ts';

export interface ReadSums {
  bytesRead: number;
  /** Storage Read and egress. */
  nanos: number;
}

/** An attempt to read a pair back. */
interface Attempt {
  id: string;
  run: string;
  bytes: number;
}

type Cost = ReturnType<typeof readCost>[number];

const STEP = 'fetch';
const POSITION_BYTES = 8;
/** The narrowest slices, roughly: a position is read with each, and more is set aside rather than less. */
const SLICE_BYTES = 32 * 2 ** 20;

/**
 * Sets aside what reading the pair back can cost, under a number of its own for each attempt. Throws BudgetRefused; nothing
 * stays reserved then.
 */
export async function reserveRead(request: CloudRequest, purse: Purse): Promise<void> {
  const { workspace, run, config } = request;
  const staging = await readStaging(workspace);
  const { parts } = await readMergedParts(workspace);
  const attempts = await readAttempts(workspace);
  const last = attempts.at(-1);
  // Its worker may have gone before it could; the books know what they have been told before.
  if (last !== undefined) await settleAttempt(last, request, purse);
  const bytes = bytesOf(parts, staging);
  for (let number = attempts.length; ; number++) {
    const id = jobId(identityOf(request, STEP, staging.planId), firstEpochOf(request) + number);
    await noteRead(workspace, { reservation: id, run });
    if (await isReserved(id, readCost(bytes, config), purse)) return;
  }
}

/** All lines of it, or none; false where one was paid before: the workspace that had it noted is gone. */
async function isReserved(id: string, cost: Cost[], purse: Purse): Promise<boolean> {
  const reserved: PurseLine[] = [];
  const giveBack = async (): Promise<void> => {
    for (const line of reserved) await purse.settle({ ...line, nanos: 0 });
  };
  for (const { kind, nanos } of cost) {
    const line = { jobId: `${id}_${kind}`, step: STEP, kind, nanos };
    const { settled } = await purse.reserve(line).catch(async (error: unknown) => {
      await giveBack();
      throw error;
    });
    if (settled) {
      await giveBack();
      return false;
    }
    reserved.push(line);
  }
  return true;
}

/** Books what the latest attempt has read; returns the sums of all attempts of this run. */
export async function settleRead(request: CloudRequest, purse: Purse): Promise<ReadSums> {
  const attempts = await readAttempts(request.workspace);
  const last = attempts.at(-1);
  if (last !== undefined) await settleAttempt(last, request, purse);
  const sums = { bytesRead: 0, nanos: 0 };
  for (const { run, bytes } of attempts) {
    if (run !== request.run) continue;
    sums.bytesRead += bytes;
    for (const { nanos } of readCost(bytes, request.config)) sums.nanos += nanos;
  }
  return sums;
}

/** The same for an attempt that vanished and has none after it; nothing where nothing is set aside for reading. */
export async function settleOpenRead(request: CloudRequest, purse: Purse): Promise<void> {
  const isOpen = (await purse.open()).some(({ step }) => step === STEP);
  if (isOpen) await settleRead(request, purse);
}

async function settleAttempt({ id, bytes }: Attempt, { config }: CloudRequest, purse: Purse): Promise<void> {
  for (const { kind, nanos } of readCost(bytes, config))
    await purse.settle({ jobId: `${id}_${kind}`, step: STEP, kind, nanos });
}

/** Oldest first. A torn line, the last of a machine that went down, is passed over. */
async function readAttempts(workspace: string): Promise<Attempt[]> {
  const text = await readFile(readSessionsPath(workspace), 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  });
  const attempts: Attempt[] = [];
  for (const line of text.split('\n')) {
    const { reservation, run, bytes } = parsed(line);
    if (typeof reservation === 'string') attempts.push({ id: reservation, run: String(run), bytes: 0 });
    const open = attempts.at(-1);
    if (open !== undefined && typeof bytes === 'number') open.bytes += bytes;
  }
  return attempts;
}

function parsed(line: string): { reservation?: unknown; run?: unknown; bytes?: unknown } {
  try {
    return JSON.parse(line) as object;
  } catch {
    return {};
  }
}

/** Of all values, as if none were null, and of the positions. */
function bytesOf(parts: MergedPart[], { rows, checkpoints }: Staging): number {
  const values = parts.map(({ slices }) =>
    slices
      .flatMap(({ file, first, count }) => checkpoints[file]!.columns.slice(first, first + count))
      .reduce((sum, { type, payloadBytes }) => sum + rows * ((stagingType(type)?.bytes ?? 0) + payloadBytes), 0),
  );
  return Math.ceil(
    values.reduce((sum, bytes) => sum + bytes + Math.ceil(bytes / SLICE_BYTES) * rows * POSITION_BYTES, 0),
  );
}
