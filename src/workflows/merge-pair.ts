import { isCancellation, patched, setHandler } from '@temporalio/workflow';
import type { LeaveSummary } from '../activities/leave-tables.ts';
import type { BackendName, VerifyMode } from '../contract.ts';
import type { CloudBill, MergeFigures } from '../payloads.ts';
import type { Discovery } from '../merge/job.ts';
import { cleanActivities, lightActivities, localActivities } from './activity-proxies.ts';
import { failureOf } from './failure-of.ts';
import type { MergePairInput, PairOutcome } from './inputs.ts';
import {
  leaveBigquery,
  leaveOnBigquery,
  leavesFile,
  leavesTables,
  mergeOnBigquery,
  tidyBigquery,
} from './merge-on-bigquery.ts';
import * as messages from './messages.ts';
import { whyText } from './pair-entry.ts';
import { SkipRequested } from './pair-control.ts';
import { SetAside, StepRunner } from './step-runner.ts';

/**
 * One pair on its way: discover, gate, merge (backend by the route), verify, publish, clean, gate.
 * It ends as merged, set aside or skipped, and never fails because of its data.
 */
export async function mergePair(input: MergePairInput): Promise<PairOutcome> {
  const steps = new StepRunner(input);
  const { control, reporter } = steps;
  setHandler(messages.pause, (request) => control.pause(request));
  setHandler(messages.resume, () => control.resume());
  setHandler(messages.pivotBackend, (request) => control.pivotBackend(request));
  setHandler(messages.skipPair, () => control.skip());
  setHandler(messages.pairStateQuery, () => reporter.progress);

  const startedMs = Date.now();
  let workedMs: number | null = null;
  try {
    const figures = steps.published ?? (await mergeAndPublish(input, steps));
    const remarks = await finish(input, steps, figures);
    const left = figures.tables === undefined ? null : `left in ${figures.tables}`;
    const reason = left === null ? remarks : [left, ...(remarks === null ? [] : [remarks])].join('; ');
    reporter.tell({ state: 'merged', figures, reason });
    if (!figures.alreadyMerged) workedMs = Date.now() - startedMs;
  } catch (error) {
    // Not where it continues as new: the next part is attached to what runs.
    if (error instanceof SkipRequested || error instanceof SetAside || isCancellation(error))
      await leaveBigquery(input, steps);
    if (error instanceof SkipRequested) {
      reporter.tell({ state: 'skipped', reason: 'skipped by the operator' });
    } else if (error instanceof SetAside) {
      reporter.tell({ state: 'setAside', failure: error.failure, reason: error.message });
    } else {
      throw error;
    }
  }
  await steps.notifier.settled();
  return { ...reporter.progress, round: steps.round, workedMs, notes: control.notes };
}

async function mergeAndPublish(input: MergePairInput, steps: StepRunner): Promise<MergeFigures> {
  const { config, pair, epoch } = input;
  const task = { config, pair };
  const local = localActivities(config, input.tuning?.heartbeatTimeoutMs);
  const summary = (text: string) => ({ summary: `${pair}: ${text}` });

  const found = await steps.step('discovering', () =>
    local.discoverPair.executeWithOptions(summary('read every footer'), [task]),
  );
  steps.reporter.tellStory(
    `${found.files} checkpoints, ${found.columns} columns x ${found.rows} rows, ${found.realigned} to be aligned`,
  );
  if (found.alreadyMerged) {
    steps.control.published = true;
    return { ...found.alreadyMerged, alreadyMerged: true };
  }

  await steps.step('gated', () => checkMachine(input, 'before', leavesFile(config) ? found.diskBytes : 0));
  const { backend, merged } = await steps.mergeStep(async (backend) => {
    if (backend === 'bigquery' && patched('bigquery'))
      return { backend, merged: await mergeOnBigquery(input, steps, found) };
    await leaveBigquery(input, steps);
    // Attempts on disk are told apart by run and by round: those of an earlier run must not count in this one.
    const attempt = { ...task, backend, round: epoch * 1000 + steps.round };
    return { backend, merged: await local.mergeFiles.executeWithOptions(summary(`merge by ${backend}`), [attempt]) };
  });
  if (merged.tables !== undefined) {
    // They are the result, and complete: there is no file to verify and to publish.
    steps.control.published = true;
    steps.published = merged;
    return merged;
  }
  const parts = [merged];
  if (config.verify !== 'none') {
    const verify = () =>
      local.verifyOutput.executeWithOptions(summary(`verify (${config.verify})`), [{ ...task, backend }]);
    parts.push(await steps.step('verifying', verify));
  }
  // Before the file, whose presence ends a pair for good.
  const left =
    backend === 'bigquery' && leavesTables(config)
      ? await steps.step('publishing', () => leaveOnBigquery(input, steps, verifiedOf(parts)))
      : null;
  const publish = () =>
    local.publishOutput.executeWithOptions(summary('give it its final name'), [{ ...task, backend }]);
  const published = await steps.step('publishing', publish);
  parts.push(published);
  steps.control.published = true;
  steps.published = {
    ...published,
    wallMs: parts.reduce((sum, { wallMs }) => sum + wallMs, 0),
    peakBytes: Math.max(...parts.map(({ peakBytes }) => peakBytes)),
    ...(merged.bill && { bill: left === null ? merged.bill : withLeaving(merged.bill, left) }),
    ...(left && { tables: left.tables }),
    ...memoryFigures(found, backend),
  };
  return steps.published;
}

/** Beside the peak: what it is compared with. */
function memoryFigures({ memory }: Discovery, backend: BackendName): Partial<MergeFigures> {
  if (memory === undefined) return {};
  const predictedBytes = memory.predicted[backend];
  return { limitBytes: memory.limitBytes, ...(predictedBytes !== undefined && { predictedBytes }) };
}

/** Of the file, by its last step so far. */
const verifiedOf = (parts: MergeFigures[]): VerifyMode => parts.at(-1)?.verified ?? 'none';

const withLeaving = (bill: CloudBill, left: LeaveSummary): CloudBill => ({
  ...bill,
  queries: bill.queries + left.queries,
  bytesBilled: bill.bytesBilled + left.bytesBilled,
  nanos: bill.nanos + left.nanos,
});

/** The pair is safe by now: what goes wrong here is told, and changes nothing of that. Returns what to tell, or null. */
async function finish(input: MergePairInput, steps: StepRunner, figures: MergeFigures): Promise<string | null> {
  const remarks: string[] = [];
  const { config, pair } = input;
  if (config.clean !== 'keep') {
    const options = { summary: `${pair}: ${config.clean} the merged checkpoints` };
    try {
      const receipt = await steps.step('cleaning', () =>
        cleanActivities(config, input.tuning?.heartbeatTimeoutMs).cleanCheckpoints.executeWithOptions(options, [
          { config, pair },
        ]),
      );
      const kept = receipt.keptExample;
      if (kept) remarks.push(`${receipt.keptFiles} checkpoints kept: ${kept.file}: ${kept.reason}`);
    } catch (error) {
      if (!(error instanceof SetAside)) throw error;
      remarks.push(`merged, but not cleaned: ${whyText({ failure: error.failure, reason: error.message })}`);
    }
  }
  if (steps.staged) {
    try {
      const nanos = await tidyBigquery(input, steps);
      steps.reporter.spend(nanos);
      if (figures.bill) figures.bill.nanos += nanos;
    } catch (error) {
      if (!(error instanceof SetAside)) throw error;
      remarks.push(`what it has on BigQuery expires by itself: ${error.message}`);
    }
  }
  if (!figures.alreadyMerged) {
    // The next pair's own gate does the waiting, so that a finished pair is never held up.
    const shortage = await checkMachine(input, 'after', 0).then(
      () => null,
      (error: unknown) => failureOf(error).message,
    );
    if (shortage !== null) remarks.push(`after it the machine is short: ${shortage}`);
  }
  return remarks.length === 0 ? null : remarks.join('; ');
}

function checkMachine({ config, pair }: MergePairInput, when: 'before' | 'after', neededDiskBytes: number) {
  const options = { summary: `${pair}: health of the machine ${when} the merge` };
  return lightActivities(config).checkMachine.executeWithOptions(options, [{ config, neededDiskBytes }]);
}
