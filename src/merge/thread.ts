/** A thread of a crew: does one task after the other. */
import { parentPort } from 'node:worker_threads';
import { TASKS, type TaskContext, type TaskName } from './crew/tasks.ts';
import { packError } from './crew/transport.ts';

/** Told at a time: more often nobody looks. */
const TOLD_BYTES = 16 * 1024 * 1024;

let last: Promise<unknown> = Promise.resolve();
parentPort!.on('message', (message: TaskMessage) => {
  last = last.then(() => perform(message));
});

interface TaskMessage {
  name: TaskName;
  input: unknown;
}

/** Never fails: an error is sent. */
async function perform({ name, input }: TaskMessage): Promise<void> {
  const task = TASKS[name] as (input: unknown, context: TaskContext) => Promise<unknown>;
  let untold = 0;
  const tell = (least: number): void => {
    if (untold < least) return;
    parentPort!.postMessage({ bytes: untold });
    untold = 0;
  };
  const onBytes = (bytes: number): void => {
    untold += bytes;
    tell(TOLD_BYTES);
  };
  try {
    const output = await task(input, { signal: undefined, onBytes });
    tell(1);
    parentPort!.postMessage({ output });
  } catch (error) {
    parentPort!.postMessage({ error: packError(error) });
  }
}
