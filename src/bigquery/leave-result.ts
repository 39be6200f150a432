/**
 * Leaves the merged parts of a pair on BigQuery, to stay: copies of the merged tables, a view over each that gives the
 * columns their names and types, and last of all the manifest table. Where the manifest is, the result is complete; while it is
 * not, what is there is taken up where it is right, and made again where it is not.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { VerifyMode } from '../contract.ts';
import { MergeFailure } from '../merge/errors.ts';
import { readStaging, stagingFolder } from '../merge/staging.ts';
import { checkPositions } from './check-positions.ts';
import { firstEpochOf, identityOf, type CloudHooks } from './cloud-session.ts';
import { BigQueryError } from './error-reasons.ts';
import { resultAmong } from './find-result.ts';
import { readMergedParts } from './merged-parts.ts';
import { unlessMissing } from './patiently.ts';
import { queryParts, type QueriedParts } from './query-parts.ts';
import { resultManifest, type ResultManifest } from './result-manifest.ts';
import { planResult, type ResultPlan } from './result-plan.ts';
import { copyPart, isMade, makeView } from './result-parts.ts';
import {
  lookAround,
  lookAt,
  openResult,
  type Known,
  type ResultRequest,
  type ResultSession,
  type ResultTables,
} from './result-session.ts';
import { runJob } from './run-job.ts';
import { sideBySide } from './side-by-side.ts';
import { jobLabels } from './staging-tables.ts';
import { uploadLoadJob } from './upload.ts';

const PARTS_AT_A_TIME = 4;
const REMOVALS_AT_A_TIME = 8;
/** Merged tables that are gone (expired, or removed by somebody) are made again so often. */
const QUERIES = 3;
/** Loads that have ended well, and whose table is gone when it is looked for. */
const MANIFESTS = 3;

export interface LeftResult extends ResultTables {
  /** Paid for the check of positions. */
  queries: number;
  bytesBilled: number;
  nanos: number;
  /** What all joins have cost, where some had to be made again. */
  queried?: QueriedParts;
}

/**
 * Idempotent. `verified` is how the file was verified that was made of the same merged tables. Throws MergeFailure OutputExists,
 * OutputMismatch, InputChanged and ConfigInvalid, BudgetRefused, BigQueryError, and the signal's reason.
 */
export async function leaveResult(
  request: ResultRequest,
  verified: VerifyMode,
  hooks: CloudHooks,
): Promise<LeftResult> {
  let queried: QueriedParts | undefined;
  for (let times = 1; ; times++)
    try {
      // Tables that are made again are not those that the file was made of.
      const left = await leaveMerged(request, queried === undefined ? verified : 'none', hooks);
      return { ...left, ...(queried && { queried }) };
    } catch (error) {
      if (!(error instanceof BigQueryError && error.reason === 'notFound') || times === QUERIES) throw error;
      queried = await queryParts(request, hooks);
    }
}

async function leaveMerged(request: ResultRequest, verified: VerifyMode, hooks: CloudHooks): Promise<LeftResult> {
  const staging = await readStaging(request.workspace);
  const session = await openResult(request, staging, hooks);
  const known = await lookAround(session);
  const before = resultAmong(session, known);
  if (before !== null) return { ...before, queries: 0, bytesBilled: 0, nanos: 0 };
  const merged = await readMergedParts(request.workspace);
  if (merged.planId !== staging.planId)
    throw new MergeFailure(
      'InputChanged',
      'the checkpoints are not those that were sent to BigQuery; retry the pair, it is sent again',
    );
  const plan = planResult(request, staging, merged.parts);
  await clear(session, plan, known);
  const progress = { step: 'leave', done: 0, total: plan.parts.length, bytesDone: 0, bytesTotal: 0 };
  await sideBySide(plan.parts, PARTS_AT_A_TIME, async (part) => {
    await copyPart(session, part);
    await makeView(session, part);
    progress.done++;
    hooks.onProgress?.({ ...progress });
  });
  const bill = await checkPositions(session, plan);
  await writeManifest(session, plan, resultManifest(request, staging, plan, verified));
  const left = resultAmong(session, await lookAround(session));
  if (left === null)
    throw new BigQueryError(`table ${plan.manifest}`, 'invalid', 'it was written, and the result is not complete');
  return { ...left, queries: bill.bytesBilled > 0 ? 1 : 0, bytesBilled: bill.bytesBilled, nanos: bill.nanos };
}

/** The manifest goes first: readers must not take half of another result for a whole. */
async function clear(session: ResultSession, plan: ResultPlan, known: Known[]): Promise<void> {
  const { results, patience } = session;
  const remove = (name: string) =>
    unlessMissing(`remove table ${name}`, patience, () => results.table(name).delete({ ignoreNotFound: true }));
  if (known.some(({ name }) => name === plan.manifest)) await remove(plan.manifest);
  const wanted = new Map(
    plan.parts.flatMap(({ data, content, view, viewContent }) => [
      [data, content] as const,
      [view, viewContent] as const,
    ]),
  );
  const stale = known.filter(({ name, metadata }) => {
    if (name === plan.manifest) return false;
    const content = wanted.get(name);
    return content === undefined || !isMade(metadata, content);
  });
  await sideBySide(stale, REMOVALS_AT_A_TIME, ({ name }) => remove(name));
}

/** One load job: the table is there with all its rows and labels, or not at all. Loads are free. */
async function writeManifest(session: ResultSession, plan: ResultPlan, manifest: ResultManifest): Promise<void> {
  const { request, place, client, jobHooks, hooks } = session;
  const { config, workspace } = request;
  const path = join(stagingFolder(workspace), 'result-manifest.ndjson');
  await writeFile(path, manifest.text);
  const bytes = Buffer.byteLength(manifest.text);
  const content = createHash('sha256').update(manifest.text).digest('hex');
  const source = { name: plan.manifest, files: [{ path, bytes }], content };
  const { fields, labels, description } = manifest;
  const load = {
    destinationTable: { projectId: place.project, datasetId: place.dataset, tableId: plan.manifest },
    destinationTableProperties: { labels, description },
    sourceFormat: 'NEWLINE_DELIMITED_JSON',
    schema: { fields },
    createDisposition: 'CREATE_IF_NEEDED',
    writeDisposition: 'WRITE_EMPTY',
  };
  const configuration = { load, labels: jobLabels(request, 'manifest') };
  const identity = identityOf(request, `write ${plan.manifest}`, JSON.stringify([place.dataset, content, labels]));
  const free = (): Promise<void> => Promise.resolve();
  let firstEpoch = firstEpochOf(request);
  for (let written = 0; (await lookAt(session, plan.manifest)) === null; written++) {
    if (written === MANIFESTS)
      throw new BigQueryError(`table ${plan.manifest}`, 'invalid', 'it was loaded, and is not there');
    const job = await runJob(
      client,
      {
        identity,
        firstEpoch,
        insert: (jobId) => {
          const jobReference = { projectId: place.project, jobId, location: config.location };
          const { signal } = hooks;
          return uploadLoadJob(client, { jobReference, configuration }, source, signal === undefined ? {} : { signal });
        },
      },
      { ...jobHooks, reserve: free, settle: free },
    );
    firstEpoch = job.epoch + 1;
  }
}
