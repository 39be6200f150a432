/** A thread of a crew: does one task after the other. */
import { parentPort } from 'node:worker_threads';
import { TASKS, type TaskName } from './tasks.ts';
import { packError } from './transport.ts';

parentPort!.on('message', ({ name, input }: { name: TaskName; input: unknown }) => {
  const task = TASKS[name] as (input: unknown) => Promise<unknown>;
  task(input).then(
    (output) => parentPort!.postMessage({ output }),
    (error: unknown) => parentPort!.postMessage({ error: packError(error) }),
  );
});
