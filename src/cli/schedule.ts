import * as schedules from '../client/schedules.ts';
import { loadConfig } from '../config/load.ts';
import { connect } from './connect.ts';
import { UsageError } from './exit.ts';
import { runName } from './run-name.ts';
import { table } from './terminal.ts';

export interface ScheduleCreateOptions {
  cron?: string[];
  every?: number;
  timezone?: string;
  paused: boolean;
}

/** `widemerge schedule ...`: starts of a run at set times. A start while the run is on is skipped. */

export async function createSchedule(configPath: string, options: ScheduleCreateOptions): Promise<void> {
  const { cron, every, timezone, paused } = options;
  if (cron === undefined && every === undefined) throw new UsageError("say when: --cron '0 3 * * *', or --every 12h");
  const config = await loadConfig(configPath);
  await using temporal = await connect();
  await schedules.createSchedule(
    temporal.client,
    config,
    {
      ...(cron && { cron }),
      ...(every !== undefined && { everyMs: every }),
      ...(timezone !== undefined && { timezone }),
    },
    { paused },
  );
  const { nextAt } = await schedules.describeSchedule(temporal.client, config.name);
  console.log(
    `schedule ${config.name}: ${paused ? 'paused' : `next start ${nextAt ?? 'never'}`}; later changes of ${configPath} do not reach it`,
  );
}

export async function listSchedules(options: { json: boolean }): Promise<void> {
  await using temporal = await connect();
  const found = await schedules.listSchedules(temporal.client);
  if (options.json) console.log(JSON.stringify(found));
  else if (found.length === 0) console.log('no schedules');
  else {
    const rows = found.map(({ name, paused, nextAt, lastAt, note }) => [
      name,
      paused ? 'paused' : 'on',
      nextAt ?? '-',
      lastAt ?? '-',
      note ?? '',
    ]);
    for (const line of table(['name', 'state', 'next', 'last', 'note'], rows)) console.log(line);
  }
}

const ACTIONS = {
  pause: [schedules.pauseSchedule, 'is paused'],
  resume: [schedules.resumeSchedule, 'is on again'],
  trigger: [schedules.triggerSchedule, 'is triggered; where the run is on already, the start is skipped'],
  delete: [schedules.deleteSchedule, 'is deleted; a run that it started goes on'],
} as const;

export async function actOnSchedule(action: keyof typeof ACTIONS, run: string): Promise<void> {
  const name = await runName(run);
  await using temporal = await connect();
  const [act, done] = ACTIONS[action];
  await act(temporal.client, name);
  console.log(`schedule ${name} ${done}`);
}
