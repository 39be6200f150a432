import { deliver } from '../client/run-pairs.ts';
import type { Delivery } from '../client/run-pairs.ts';
import {
  cancelRun,
  signalApprove,
  signalPause,
  signalPivot,
  signalResume,
  signalRetry,
  signalSkip,
} from '../client/signals.ts';
import { BACKENDS } from '../contract.ts';
import { connect } from './connect.ts';
import { UsageError } from './exit.ts';
import { runName } from './run-name.ts';

/** The operator's messages to a run, which is named, or given by its configuration. What the run refuses is an error. */

export async function pause(run: string, options: { now: boolean }): Promise<void> {
  const name = await runName(run);
  await using temporal = await connect();
  await signalPause(temporal.client, name, { now: options.now });
  const when = options.now ? 'the running step is stopped; what is on disk stays' : 'the running step ends first';
  console.log(`pausing ${name}: ${when}. Go on with: widemerge resume ${name}`);
}

export async function resume(run: string): Promise<void> {
  const name = await runName(run);
  await using temporal = await connect();
  await signalResume(temporal.client, name);
  console.log(`${name} goes on`);
}

export async function approve(run: string): Promise<void> {
  const name = await runName(run);
  await using temporal = await connect();
  const { client } = temporal;
  const delivery = await deliver(client, name, 'approve', {}, () => signalApprove(client, name));
  console.log(`${name} is approved: the other pairs may begin`);
  sayUnconfirmed(delivery, name);
}

export async function pivot(run: string, backend: string, options: { pair?: string; now: boolean }): Promise<void> {
  if (!(BACKENDS as readonly string[]).includes(backend))
    throw new UsageError(`${backend} is no backend; there are ${BACKENDS.join(', ')}`);
  const name = await runName(run);
  await using temporal = await connect();
  const { client } = temporal;
  const { pair, now } = options;
  const request = { backend, now, ...(pair === undefined ? {} : { pair }) };
  const delivery = await deliver(client, name, 'pivotBackend', request, () => signalPivot(client, name, request));
  console.log(`${pair ?? 'the pairs to come'} of ${name}: ${backend} first`);
  sayUnconfirmed(delivery, name);
}

export async function skip(run: string, pair: string): Promise<void> {
  const name = await runName(run);
  await using temporal = await connect();
  const { client } = temporal;
  const delivery = await deliver(client, name, 'skipPair', { pair }, () => signalSkip(client, name, { pair }));
  console.log(`${name} is to skip ${pair}`);
  sayUnconfirmed(delivery, name);
}

export async function retry(run: string, pair: string): Promise<void> {
  const name = await runName(run);
  await using temporal = await connect();
  const { client } = temporal;
  const delivery = await deliver(client, name, 'retryPair', { pair }, () => signalRetry(client, name, { pair }));
  const how = delivery.sent.restarted ? 'in a run of its own, since the run has ended' : 'by the run that is on';
  console.log(`${pair} of ${name} is tried again, ${how}`);
  sayUnconfirmed(delivery, name);
}

export async function cancel(run: string): Promise<void> {
  const name = await runName(run);
  await using temporal = await connect();
  await cancelRun(temporal.client, name);
  console.log(`${name} is being cancelled; what is on disk stays, and a new run goes on from it`);
}

function sayUnconfirmed(delivery: Delivery<unknown>, name: string): void {
  if (delivery.confirmed) return;
  const { why, advice } = delivery;
  console.error(
    `${why}: the message waits (${advice}), and if it is refused, that stands in: widemerge status ${name}`,
  );
}
