/**
 * Histories as JSON files, by the generated message classes. The SDK's own historyToJSON needs one copy of protobufjs in
 * the whole tree, and fails (`type must be a Type`) where npm had to install two.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import protobuf from '@temporalio/proto';

const { History } = protobuf.temporal.api.history.v1;
const FOLDER = new URL('../../histories/', import.meta.url);

export interface HistoryFile {
  workflowId: string;
  history: { events: RecordedEvent[] };
}
/** The parts of an event that tests look at. */
export interface RecordedEvent {
  activityTaskScheduledEventAttributes?: { activityType: { name: string } };
  startChildWorkflowExecutionInitiatedEventAttributes?: { workflowId: string };
}

export async function writeHistory(name: string, workflowId: string, history: object): Promise<void> {
  const plain = History.toObject(History.fromObject(history), { enums: String, longs: String, bytes: String });
  // Names of this machine are no part of what is recorded.
  const withoutStacks = (key: string, value: unknown): unknown => (key === 'stackTrace' ? '' : value);
  const text = JSON.stringify({ workflowId, history: plain }, withoutStacks, 1)
    .replaceAll(`${process.pid}@${hostname()}`, 'recorder')
    .replaceAll(hostname(), 'recorder');
  await writeFile(new URL(`${name}.json`, FOLDER), `${text}\n`);
}

export async function readHistory(name: string): Promise<HistoryFile> {
  return JSON.parse(await readFile(new URL(`${name}.json`, FOLDER), 'utf8')) as HistoryFile;
}

/** What Worker.runReplayHistory takes. */
export function toMessage(history: HistoryFile['history']): object {
  return History.fromObject(history);
}
