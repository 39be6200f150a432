import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { pairWorkflowId } from '../../../src/contract.ts';
import type { FailureFacts } from '../../../src/payloads.ts';

/** The failures of a pair's attempts as its history keeps them, and as the UI shows them: their type, message and details. */
export async function failuresOf(client: Client, run: string, pair: string): Promise<FailureFacts[]> {
  const { events } = await client.workflow.getHandle(pairWorkflowId(run, pair)).fetchHistory();
  return (events ?? []).flatMap((event) => {
    const payload = event.activityTaskFailedEventAttributes?.failure?.applicationFailureInfo?.details?.payloads?.[0];
    return payload ? [defaultPayloadConverter.fromPayload<FailureFacts>(payload)] : [];
  });
}

/** Names of the activities that have succeeded. */
export async function completedActivities(client: Client, run: string, pair: string): Promise<string[]> {
  const { events } = await client.workflow.getHandle(pairWorkflowId(run, pair)).fetchHistory();
  const scheduled = new Map(
    events?.map((event) => [String(event.eventId), event.activityTaskScheduledEventAttributes?.activityType?.name]),
  );
  return (events ?? []).flatMap(({ activityTaskCompletedEventAttributes: done }) => {
    const name = done && scheduled.get(String(done.scheduledEventId));
    return name ? [name] : [];
  });
}
