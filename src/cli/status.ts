import { readStatus } from '../client/read-status.ts';
import { runWorkflowId } from '../contract.ts';
import { connect } from './connect.ts';
import { explainError } from './exit.ts';
import { runName } from './run-name.ts';
import { resultOf } from './run.ts';
import { runLines } from './run-view.ts';

/** `widemerge status NAME`: how a run is doing, with or without a worker. */
export async function status(run: string, options: { json: boolean }): Promise<void> {
  const name = await runName(run);
  await using temporal = await connect();
  const found = await readStatus(temporal.client, name);
  if (options.json) console.log(JSON.stringify(found));
  else for (const line of runLines(found, Infinity)) console.log(line);
  if (found.workflowStatus === 'FAILED' && !options.json) {
    // What failed is the run as a whole, which no pair tells.
    const why = await resultOf(temporal.client.workflow.getHandle(runWorkflowId(name))).catch(explainError);
    if ('text' in why) console.log(why.text);
  }
}
