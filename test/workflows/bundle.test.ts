import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import type { HistoryFile } from './support/history-file.ts';
import { readHistory, toMessage } from './support/history-file.ts';
import { workflowBundle } from './support/temporal.ts';

const RECORDED = [
  ...['merge-pairs', 'merge-pair-eurusd', 'merge-pair-usdjpy', 'scheduled-start'],
  ...['merge-pairs-guarded', 'merge-pair-guarded'],
];
/** Nothing but updates: whatever is done by them stands in the ledger's own tests. */
const UPDATES_ONLY = ['budget', 'budget-carried'];

suite('the workflow bundle', { timeout: 120_000 }, () => {
  test('holds the workflows and no code of any other room', async () => {
    const { code } = await workflowBundle();
    assert.match(code, /src\/workflows\/merge-pairs\.ts/);
    assert.doesNotMatch(code, /src\/(activities|backends|cli|client|config|guard|merge|server|workers)\//);
    assert.doesNotMatch(code, /require\("node:/);
  });

  for (const name of [...RECORDED, ...UPDATES_ONLY])
    test(`replays the recorded ${name} (see record-history.ts)`, async () => {
      const { workflowId, history } = await readHistory(name);
      await replay(history, workflowId);
    });

  for (const name of RECORDED)
    test(`notices an altered ${name}`, async () => {
      const { workflowId, history } = await readHistory(name);
      for (const event of history.events) {
        const activity = event.activityTaskScheduledEventAttributes;
        if (activity) activity.activityType.name = 'somethingElse';
        const child = event.startChildWorkflowExecutionInitiatedEventAttributes;
        if (child) child.workflowId = 'widemerge/else';
      }
      await assert.rejects(replay(history, workflowId), DeterminismViolationError);
    });
});

async function replay(history: HistoryFile['history'], workflowId: string): Promise<void> {
  await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, toMessage(history), workflowId);
}
