/**
 * The way of one pair through the engine: discover, merge, verify, publish, clean. Each step may run in a process of its own;
 * what one leaves for the next is a draft of the manifest in the workspace. Each is idempotent.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MergeFigures } from '../payloads.ts';
import { cleanSources } from './clean.ts';
import { listCheckpoints } from './discover.ts';
import { describeMerge, describePlan, refuseRowGroups } from './describe-plan.ts';
import { addedSince, draftManifest, draftMissing, readDraft } from './draft.ts';
import type { Engines } from './engine.ts';
import { MergeFailure } from './errors.ts';
import { assertUnchanged } from './fingerprint.ts';
import { onlyReads, type MergeJob, type MergeMessage, type MergeStep } from './job.ts';
import { LOCAL_ENGINES } from './local-engines.ts';
import { readManifest, writeManifest } from './manifest.ts';
import type { MergePlan } from './plan.ts';
import { planMerge } from './plan-merge.ts';
import { readManifestId } from './parquet/key-values.ts';
import { findPublished, refuseForeignOutput } from './published.ts';
import { publishOutput } from './publish.ts';
import { surveyFiles, surveyOf } from './survey.ts';
import { syncFolder } from './system/sync-folder.ts';
import { verifyMerge } from './verify/verify-merge.ts';
import { verifyPublished } from './verify/verify-published.ts';
import { commandFolder, workspacePath } from './workspace.ts';
import { readWritten } from './written.ts';

interface Session {
  job: MergeJob;
  emit: (message: MergeMessage) => void;
  signal: AbortSignal | undefined;
  workspace: string;
  temporaryPath: string;
  draftPath: string;
  engines: Engines;
  plan: MergePlan | null;
}

/**
 * Runs the job's steps in order; stops early where the same inputs have been merged before. `engines` are those that
 * there are beside the local ones.
 */
export async function runSteps(
  job: MergeJob,
  emit: (message: MergeMessage) => void,
  signal?: AbortSignal,
  engines: Engines = {},
): Promise<void> {
  const workspace = workspacePath(job.output.path);
  const session: Session = {
    job,
    emit,
    signal,
    workspace,
    temporaryPath: join(workspace, 'output.parquet'),
    draftPath: join(workspace, 'draft.json'),
    engines: { ...LOCAL_ENGINES, ...engines },
    plan: null,
  };
  try {
    for (const step of job.steps) {
      signal?.throwIfAborted();
      const finished = await runStep[step](session);
      if (finished) return;
    }
  } finally {
    // What only reads takes no lock: the workspace that it sees may be that of a merge that has just begun.
    // Where its disk is gone, too, that is no news: what the step has failed of is.
    if (!onlyReads(job)) await removeIdleWorkspace(workspace).catch(() => undefined);
  }
}

/** A workspace that holds nothing but the lock of this very process is of no use to anybody. */
async function removeIdleWorkspace(workspace: string): Promise<void> {
  const names = await readdir(workspace).catch(() => []);
  if (names.every((name) => name === 'lock')) await rm(workspace, { recursive: true, force: true });
}

const runStep: Record<MergeStep, (session: Session) => Promise<boolean>> = {
  survey: runSurvey,
  discover: runDiscover,
  prepare: runPrepare,
  merge: runMerge,
  verify: runVerify,
  publish: runPublish,
  clean: runClean,
  recheck: runRecheck,
};

async function runSurvey(session: Session): Promise<boolean> {
  const files = await listCheckpoints(session.job);
  const published = await findPublished(session, files);
  const survey = published === null ? await surveyFiles(files, session.job) : surveyOf(published);
  session.emit({ event: 'surveyed', survey });
  return published !== null;
}

async function runDiscover(session: Session): Promise<boolean> {
  const { job, emit } = session;
  const files = await listCheckpoints(job);
  const published = await findPublished(session, files);
  if (published !== null) {
    // A power cut behind the publication may have brought back what it had removed.
    await rm(session.workspace, { recursive: true, force: true });
    const { files: count, rows, columns, aligned, realigned, bytesIn } = published;
    const figures: MergeFigures = { ...published, alreadyMerged: true };
    emit({
      event: 'discovered',
      discovery: { files: count, rows, columns, aligned, realigned, bytesIn, diskBytes: 0, alreadyMerged: figures },
    });
    if (job.steps.includes('publish')) emit({ event: 'published', figures });
    return true;
  }
  const plan = await planMerge(job, files);
  await refuseForeignOutput(job, plan);
  session.plan = plan;
  emit({ event: 'discovered', discovery: describePlan(plan) });
  return false;
}

const progressOf =
  ({ emit }: Session, step: 'prepare' | 'merge' | 'verify') =>
  (bytesDone: number, bytesTotal: number, filesDone: number, filesTotal: number): void => {
    emit({ event: 'progress', step, filesDone, filesTotal, bytesDone, bytesTotal });
  };

async function planAgain(session: Session): Promise<MergePlan> {
  session.plan ??= await planMerge(session.job, await listCheckpoints(session.job));
  return session.plan;
}

async function runPrepare(session: Session): Promise<boolean> {
  const { workspace, emit, signal } = session;
  const plan = await planAgain(session);
  // Loaded only here: it needs a database.
  const { prepareStaging } = await import('./prepare.ts');
  const prepared = await prepareStaging({
    plan,
    workspace,
    memoryBytes: session.job.memoryBytes,
    signal,
    onProgress: progressOf(session, 'prepare'),
  });
  emit({ event: 'prepared', prepared });
  return false;
}

async function runMerge(session: Session): Promise<boolean> {
  const { job, workspace, temporaryPath, emit, signal } = session;
  const started = performance.now();
  const engine = session.engines[job.engine];
  if (engine === undefined) throw new Error(`this process has no engine ${job.engine}`);
  refuseRowGroups(job);
  const plan = await planAgain(session);
  await mkdir(workspace, { recursive: true });
  // The draft first, and durably: left behind by an earlier attempt, it would vouch for the file that is written now.
  await rm(session.draftPath, { force: true });
  await syncFolder(workspace);
  await rm(temporaryPath, { force: true });
  // What a program has spilled that was killed is of no use to this attempt, nor to another engine's.
  await rm(commandFolder(workspace), { recursive: true, force: true });
  const files = plan.checkpoints.length;
  const progress = progressOf(session, 'merge');
  const onBytes = (done: number, total: number): void => {
    progress(done, total, Math.floor((files * done) / Math.max(total, 1)), files);
  };
  const { written, ...bytes } = await engine({
    job,
    plan,
    workspace,
    outputPath: temporaryPath,
    partsDir: join(workspace, 'parts'),
    signal,
    onBytes,
  });
  const figures: MergeFigures = {
    ...describeMerge(job, plan),
    ...bytes,
    wallMs: Math.round(performance.now() - started),
    peakBytes: 0,
    verified: 'none',
    alreadyMerged: false,
  };
  await writeManifest(
    session.draftPath,
    draftManifest(job, plan, figures, written ?? (await readWritten(temporaryPath, signal))),
  );
  emit({ event: 'merged', figures });
  return false;
}

async function runVerify(session: Session): Promise<boolean> {
  const { job, emit, signal } = session;
  if (job.verify === 'none') return false;
  const { written, ...draft } = await readDraft(session.draftPath);
  for (const source of draft.sources) assertUnchanged(source);
  const plan = await planAgain(session);
  if (plan.id !== draft.id) throw addedSince(draft, plan);
  const verification = await verifyMerge({
    plan,
    outputPath: session.temporaryPath,
    mode: job.engine === 'stitch' ? job.verify : 'full',
    engine: job.engine,
    written,
    memoryBytes: job.memoryBytes,
    onProgress: progressOf(session, 'verify'),
    ...(signal === undefined ? {} : { signal }),
  }).catch(async (error: unknown) => {
    // Found wrong once, it is not to be published by whoever comes next, whatever an earlier verification said.
    if (error instanceof MergeFailure && error.facts.type === 'OutputMismatch')
      await rm(session.draftPath, { force: true });
    throw error;
  });
  const checksums = new Map(verification.sources.map(({ name, crc32 }) => [name, crc32]));
  const figures: MergeFigures = { ...draft.figures, verified: verification.mode };
  await writeManifest(session.draftPath, {
    ...draft,
    output: { ...draft.output, footerCrc32: verification.footerCrc32, indexCrc32: verification.indexCrc32 },
    sources: draft.sources.map((source) => ({ ...source, crc32: checksums.get(source.name) ?? null })),
    rowGroups: verification.rowGroupRows,
    columns: verification.columns,
    verification: { mode: verification.mode, verifiedAt: new Date().toISOString(), medium: verification.medium },
    figures,
  });
  emit({ event: 'verified', figures });
  return false;
}

async function runPublish(session: Session): Promise<boolean> {
  const { job, emit, workspace } = session;
  const draft = await readManifest(session.draftPath);
  if (draft === null) {
    // A publication that was cut short after its last step finds its own manifest and nothing left to do.
    const published = await findPublished(session, await listCheckpoints(job));
    if (published === null) throw draftMissing(session.draftPath);
    emit({ event: 'published', figures: published });
    return false;
  }
  if (job.verify !== 'none' && draft.verification === null)
    throw new Error(`${session.draftPath}: was not verified; the verify step comes first`);
  for (const source of draft.sources) assertUnchanged(source);
  await publishOutput({
    temporaryPath: session.temporaryPath,
    outputPath: job.output.path,
    manifest: draft,
    replace: job.output.replace,
    readManifestId,
  });
  // The machine's lock is held until this process ends, so nobody else can be about to use the pair's own.
  await rm(workspace, { recursive: true, force: true });
  emit({ event: 'published', figures: draft.figures });
  return false;
}

async function runClean(session: Session): Promise<boolean> {
  session.emit({ event: 'cleaned', receipt: await cleanSources(session) });
  return false;
}

async function runRecheck(session: Session): Promise<boolean> {
  session.emit({ event: 'rechecked', check: await verifyPublished(session) });
  return false;
}
