import { readStatus } from '../client/read-status.ts';
import { connect } from './connect.ts';
import { runLines } from './run-view.ts';

/** `widemerge status NAME`: how a run is doing, with or without a worker. */
export async function status(name: string, options: { json: boolean }): Promise<void> {
  await using temporal = await connect();
  const found = await readStatus(temporal.client, name);
  if (options.json) console.log(JSON.stringify(found));
  else for (const line of runLines(found, Infinity)) console.log(line);
}
