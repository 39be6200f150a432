import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { MergeHeartbeat } from '../payloads.ts';
import { pairWorkflowId } from '../contract.ts';

/** What the server knows of an activity that runs, or waits to run, for a pair. */
export interface LiveActivity {
  pair: string;
  activity: string;
  /** From 1; a higher one tells that attempts were lost. */
  attempt: number;
  state: 'scheduled' | 'started' | 'cancelRequested' | 'other';
  /** Last report, or null before the first. */
  heartbeat: MergeHeartbeat | null;
  /** ISO 8601. */
  heartbeatAt: string | null;
  /** Why the attempt before this one ended, one line. */
  lastFailure: string | null;
}

/** Pending activities of the pair's workflow; empty where there is none. Needs no worker. */
export async function liveActivities(client: Client, name: string, pair: string): Promise<LiveActivity[]> {
  const description = await client.workflow
    .getHandle(pairWorkflowId(name, pair))
    .describe()
    .catch(() => null);
  if (description?.status.name !== 'RUNNING') return [];
  return (description.raw.pendingActivities ?? []).map((pending) => {
    const [payload] = pending.heartbeatDetails?.payloads ?? [];
    return {
      pair,
      activity: pending.activityType?.name ?? '',
      attempt: pending.attempt ?? 1,
      state: STATES[pending.state ?? 0] ?? 'other',
      heartbeat: payload ? defaultPayloadConverter.fromPayload<MergeHeartbeat>(payload) : null,
      heartbeatAt: isoTime(pending.lastHeartbeatTime),
      lastFailure: pending.lastFailure?.message ?? null,
    };
  });
}

/** temporal.api.enums.v1.PendingActivityState */
const STATES: Record<number, LiveActivity['state']> = { 1: 'scheduled', 2: 'started', 3: 'cancelRequested' };

function isoTime(time: { seconds?: unknown } | null | undefined): string | null {
  return time?.seconds === undefined ? null : new Date(Number(time.seconds) * 1000).toISOString();
}
