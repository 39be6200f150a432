import type { ChildWorkflowHandle } from '@temporalio/workflow';
import {
  CancellationScope,
  ChildWorkflowFailure,
  condition,
  isCancellation,
  rootCause,
  sleep,
  startChild,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { pairWorkflowId } from '../contract.ts';
import type { MergePairInput, PairOutcome } from './inputs.ts';
import type { mergePair } from './merge-pair.ts';
import type { Forwarded, RunState } from './run-state.ts';

/** How often a run looks whether a child of an earlier, terminated run has closed; a merge is stopped in seconds. */
const EARLIER_CHILD_POLL_MS = 3_000;

/** Runs one pair as a child workflow, and hands it the messages of its outbox while it is open. */
export async function runPair(state: RunState, input: MergePairInput): Promise<PairOutcome> {
  const child = await startPair(state, input);
  let open = true;
  const forwarding = forward(state.outboxOf(input.pair), child, () => open);
  try {
    return await child.result();
  } catch (error) {
    return outcomeOf(error, input);
  } finally {
    open = false;
    await forwarding;
  }
}

async function startPair(state: RunState, input: MergePairInput): Promise<ChildWorkflowHandle<typeof mergePair>> {
  const { config, pair } = input;
  for (;;) {
    try {
      return await startChild<typeof mergePair>('mergePair', {
        workflowId: pairWorkflowId(config.name, pair),
        args: [input],
        // A terminated run must not leave a merge behind, and a merge must be stopped, not only forgotten.
        parentClosePolicy: 'REQUEST_CANCEL',
        cancellationType: 'WAIT_CANCELLATION_COMPLETED',
        staticSummary: `${pair}: ${config.root}/${pair} -> ${whereTo(input)}`,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      state.note(`${pair}: waits for the workflow of an earlier run to close`);
      await sleep(EARLIER_CHILD_POLL_MS, { summary: `${pair}: an earlier run's workflow is still open` });
    }
  }
}

function whereTo({ config, pair }: MergePairInput): string {
  const file = `${config.output}/${pair}.parquet`;
  const { output, project, outputDataset } = config.bigquery ?? {};
  return output === 'tables' ? `tables in ${project}.${outputDataset}` : file;
}

async function forward(
  outbox: Forwarded[],
  child: ChildWorkflowHandle<typeof mergePair>,
  isOpen: () => boolean,
): Promise<void> {
  for (;;) {
    // Not cancellable: it ends with the child, which a cancelled run waits for.
    await CancellationScope.nonCancellable(() => condition(() => !isOpen() || outbox.length > 0));
    if (!isOpen()) return;
    const message = outbox.shift();
    if (!message) continue;
    try {
      await child.signal(message.signal, message.request);
    } catch {
      // The child has just closed, or is being cancelled: the message has nobody to reach, and harms nothing.
    }
  }
}

/** A child that somebody ended from outside sets its pair aside; the end of the whole run goes through. */
function outcomeOf(error: unknown, { pair, round }: MergePairInput): PairOutcome {
  if (CancellationScope.current().consideredCancelled || !(error instanceof ChildWorkflowFailure)) throw error;
  const why = isCancellation(error) ? 'was cancelled' : `ended: ${rootCause(error) ?? error.message}`;
  const reason = `its workflow ${why}; retry the pair when that was not meant`;
  return {
    pair,
    state: 'setAside',
    backend: null,
    reason,
    failure: null,
    figures: null,
    round,
    workedMs: null,
    notes: [],
  };
}
