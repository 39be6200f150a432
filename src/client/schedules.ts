import type { Client, ScheduleDescription, ScheduleSpec } from '@temporalio/client';
import { ScheduleAlreadyRunning, ScheduleNotFoundError } from '@temporalio/client';
import type { RunConfig } from '../payloads.ts';
import { scheduleId, scheduleWorkflowId, TASK_QUEUES } from '../contract.ts';
import type { scheduledStart } from '../workflows/scheduled-start.ts';
import { configDigest } from './digest.ts';
import { RunError } from './errors.ts';
import { runSummary } from './start-run.ts';

/** Schedules start `scheduledStart`, which starts the run under its fixed id, or says that one is running. */

export interface ScheduleTimes {
  /** Cron expressions, e.g. `0 3 * * *`. */
  cron?: string[];
  everyMs?: number;
  /** IANA name for `cron`, e.g. `Europe/Berlin`; UTC by default. */
  timezone?: string;
}

export interface ScheduleOverview {
  name: string;
  scheduleId: string;
  paused: boolean;
  note: string | null;
  /** ISO 8601, or null where it will not act. */
  nextAt: string | null;
  lastAt: string | null;
}

/** After an outage the latest start is caught up with if it is this late at most; older ones are passed over. */
const CATCHUP_WINDOW = '1h';

/** The checked configuration is embedded: later changes of its file do not reach the schedule. Throws RunError `scheduleExists`. */
export async function createSchedule(
  client: Client,
  config: RunConfig,
  times: ScheduleTimes,
  options: { paused?: boolean; taskQueueSuffix?: string } = {},
): Promise<void> {
  const spec: ScheduleSpec = {
    ...(times.cron && { cronExpressions: times.cron }),
    ...(times.everyMs !== undefined && { intervals: [{ every: times.everyMs }] }),
    ...(times.timezone !== undefined && { timezone: times.timezone }),
  };
  try {
    await client.schedule.create<typeof scheduledStart>({
      scheduleId: scheduleId(config.name),
      spec,
      action: {
        type: 'startWorkflow',
        workflowType: 'scheduledStart',
        workflowId: scheduleWorkflowId(config.name),
        taskQueue: TASK_QUEUES.pipeline + (options.taskQueueSuffix ?? ''),
        args: [{ config, configDigest: configDigest(config) }],
        staticSummary: `starts ${runSummary(config)}`,
      },
      policies: { overlap: 'SKIP', catchupWindow: CATCHUP_WINDOW },
      state: { paused: options.paused ?? false },
    });
  } catch (error) {
    // The client's own way to tell that the server refuses the times.
    if (error instanceof TypeError)
      throw new RunError('scheduleInvalid', `the times of the schedule are refused: ${error.message}`, {
        cause: error,
      });
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    throw new RunError('scheduleExists', `there is a schedule ${config.name} already: delete it first`, {
      cause: error,
    });
  }
}

/** This project's schedules; the server's list is up to date within a second or so. */
export async function listSchedules(client: Client): Promise<ScheduleOverview[]> {
  const found: ScheduleOverview[] = [];
  const prefix = scheduleId('');
  for await (const { scheduleId: id, state, info } of client.schedule.list()) {
    if (!id.startsWith(prefix)) continue;
    found.push(overview(id, state, info));
  }
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export async function describeSchedule(client: Client, name: string): Promise<ScheduleOverview> {
  const { state, info } = await found(name, client.schedule.getHandle(scheduleId(name)).describe());
  return overview(scheduleId(name), state, info);
}

export const pauseSchedule = (client: Client, name: string, note = 'paused by widemerge'): Promise<void> =>
  found(name, client.schedule.getHandle(scheduleId(name)).pause(note));

export const resumeSchedule = (client: Client, name: string, note = 'resumed by widemerge'): Promise<void> =>
  found(name, client.schedule.getHandle(scheduleId(name)).unpause(note));

/** Starts now; SKIP, because a trigger's own default is to start whatever runs. */
export const triggerSchedule = (client: Client, name: string): Promise<void> =>
  found(name, client.schedule.getHandle(scheduleId(name)).trigger('SKIP'));

export const deleteSchedule = (client: Client, name: string): Promise<void> =>
  found(name, client.schedule.getHandle(scheduleId(name)).delete());

async function found<T>(name: string, answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    throw new RunError('scheduleNotFound', `there is no schedule ${name} on this server`, { cause: error });
  });
}

function overview(
  id: string,
  state: { paused: boolean; note?: string },
  info: Pick<ScheduleDescription['info'], 'recentActions' | 'nextActionTimes'>,
): ScheduleOverview {
  return {
    name: id.slice(scheduleId('').length),
    scheduleId: id,
    paused: state.paused,
    note: state.note ?? null,
    nextAt: info.nextActionTimes[0]?.toISOString() ?? null,
    lastAt: info.recentActions.at(-1)?.takenAt.toISOString() ?? null,
  };
}
