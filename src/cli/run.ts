import { WorkflowFailedError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { startRun } from '../client/start-run.ts';
import { loadConfig } from '../config/load.ts';
import type { RunResult } from '../payloads.ts';
import { whyText } from '../workflows/pair-entry.ts';
import { connect } from './connect.ts';
import { CommandError, EXIT, Interrupted } from './exit.ts';
import { followRun } from './follow.ts';
import { interruptible } from './interrupt.ts';
import { openDisplay, shellWord } from './terminal.ts';

export interface RunOptions {
  detach: boolean;
  json: boolean;
}

/** `widemerge run CONFIG`: starts the run or attaches to it, and shows it until it ends. Ctrl-C detaches. */
export async function run(configPath: string, options: RunOptions): Promise<void> {
  const config = await loadConfig(configPath);
  await using temporal = await connect();
  const { client } = temporal;
  const { handle, attached, only, workflowId } = await startRun(client, config);
  // From here on Ctrl-C leaves the run alone.
  using interrupt = interruptible();
  const restricted = only === null ? '' : ` (a retry of ${only.join(', ')})`;
  console.error(`${attached ? 'attached to' : 'started'} ${workflowId}${restricted}`);
  if (options.detach) {
    if (options.json) console.log(JSON.stringify({ workflowId, attached }));
    return;
  }

  const display = openDisplay(process.stderr);
  try {
    await followRun(client, config.name, display, interrupt.signal);
  } finally {
    display.end(true);
  }
  if (interrupt.signal.aborted) {
    console.error(`detached; the run goes on: widemerge status ${config.name}`);
    throw new Interrupted();
  }
  report(await resultOf(handle), options.json);
}

function report(result: RunResult, json: boolean): void {
  const parts = [`${result.merged.length} merged`];
  if (result.setAside.length > 0) parts.push(`${result.setAside.length} set aside`);
  if (result.skipped.length > 0) parts.push(`${result.skipped.length} skipped`);
  console.log(`${result.name}: ${result.nothingToDo ? 'nothing to do, ' : ''}${parts.join(', ')}`);
  for (const { pair, ...why } of result.setAside)
    console.log(
      `set aside: ${pair}: ${whyText(why)}; try again with: widemerge retry ${result.name} ${shellWord(pair)}`,
    );
  if (json) console.log(JSON.stringify(result));
  if (result.setAside.length > 0) process.exitCode = EXIT.failed;
}

/** The result of a run that has closed; one that failed as a whole becomes a CommandError of its failure's type. */
export async function resultOf(handle: Pick<WorkflowHandle, 'result' | 'workflowId'>): Promise<RunResult> {
  try {
    return (await handle.result()) as RunResult;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    throw new CommandError(failureFacts(error, handle.workflowId), { cause: error });
  }
}

function failureFacts(error: WorkflowFailedError, workflowId: string): { type: string; message: string } {
  let { cause } = error;
  if (cause instanceof CancelledFailure) return { type: 'Cancelled', message: `${workflowId} was cancelled` };
  if (cause instanceof TerminatedFailure) return { type: 'Terminated', message: `${workflowId} was terminated` };
  // Temporal wraps an activity's failure into one that says only which activity it was.
  while (!(cause instanceof ApplicationFailure) && cause?.cause instanceof Error) ({ cause } = cause);
  const type = (cause instanceof ApplicationFailure ? cause.type : undefined) ?? 'WorkflowFailed';
  return { type, message: cause?.message ?? error.message };
}
