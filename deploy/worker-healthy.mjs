// Health check of the container: exit 0 while the worker of this host polls both task queues, else 1 and one line why.
// A worker that lives but no longer polls (its connection lost, its event loop stuck) shows as unhealthy.
import { hostname } from 'node:os';
import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { TASK_QUEUES } from '../dist/contract.js';

/** A poll waits at the server for up to a minute; the server remembers a poller for five. */
const FRESH_MS = 150_000;
const WORKFLOW_QUEUE = 1;
const ACTIVITY_QUEUE = 2;

async function silentQueues(connection, namespace) {
  const wanted = [
    [TASK_QUEUES.pipeline, WORKFLOW_QUEUE],
    [TASK_QUEUES.local, ACTIVITY_QUEUE],
  ];
  const silent = [];
  for (const [name, taskQueueType] of wanted) {
    const { pollers } = await connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name },
      taskQueueType,
    });
    const fresh = (poller) => Date.now() - Number(poller.lastAccessTime?.seconds ?? 0) * 1000 < FRESH_MS;
    // The worker's identity ends in its host's name; another machine's worker does not make this one healthy.
    if (!(pollers ?? []).some((poller) => poller.identity?.endsWith(`@${hostname()}`) && fresh(poller)))
      silent.push(name);
  }
  return silent;
}

try {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const connection = await Connection.connect({ ...connectionOptions, connectTimeout: '10s' });
  const silent = await silentQueues(connection, namespace ?? 'default');
  await connection.close();
  if (silent.length > 0) throw new Error(`the worker of ${hostname()} does not poll ${silent.join(' and ')}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
