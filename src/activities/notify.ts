import type { Notification, RunConfig } from '../payloads.ts';
import { runHook } from '../guard/hook-command.ts';

export interface NotifyTask {
  notify: NonNullable<RunConfig['notify']>;
  notification: Notification;
}

/** Calls the operator's command with one line of JSON on its input. Throws where it does not end well; it is worth another try. */
export async function notify({ notify, notification }: NotifyTask): Promise<void> {
  const { command, timeoutMs } = notify;
  const ending = await runHook({ command, timeoutMs, input: `${JSON.stringify(notification)}\n` });
  if (ending.outcome !== 'succeeded') throw new Error(`notify.command: ${ending.says}`);
}
