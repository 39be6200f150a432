import { cancelRun, signalPause, signalPivot, signalResume, signalRetry, signalSkip } from '../client/signals.ts';
import { BACKENDS } from '../contract.ts';
import { connect } from './connect.ts';
import { UsageError } from './exit.ts';

/** The operator's messages to a run. What the run refuses stands in its notes: `widemerge status NAME`. */

export async function pause(name: string, options: { now: boolean }): Promise<void> {
  await using temporal = await connect();
  await signalPause(temporal.client, name, { now: options.now });
  const when = options.now ? 'the running step is stopped; what is on disk stays' : 'the running step ends first';
  console.log(`pausing ${name}: ${when}. Go on with: widemerge resume ${name}`);
}

export async function resume(name: string): Promise<void> {
  await using temporal = await connect();
  await signalResume(temporal.client, name);
  console.log(`${name} goes on`);
}

export async function pivot(name: string, backend: string, options: { pair?: string; now: boolean }): Promise<void> {
  if (!(BACKENDS as readonly string[]).includes(backend))
    throw new UsageError(`${backend} is no backend; there are ${BACKENDS.join(', ')}`);
  await using temporal = await connect();
  const { pair, now } = options;
  await signalPivot(temporal.client, name, { backend, now, ...(pair === undefined ? {} : { pair }) });
  console.log(`${pair ?? 'the pairs to come'} of ${name}: ${backend} first`);
}

export async function skip(name: string, pair: string): Promise<void> {
  await using temporal = await connect();
  await signalSkip(temporal.client, name, { pair });
  console.log(`${name} is to skip ${pair}`);
}

export async function retry(name: string, pair: string): Promise<void> {
  await using temporal = await connect();
  const { restarted } = await signalRetry(temporal.client, name, { pair });
  const how = restarted ? 'in a run of its own, since the run has ended' : 'by the run that is on';
  console.log(`${pair} of ${name} is tried again, ${how}`);
}

export async function cancel(name: string): Promise<void> {
  await using temporal = await connect();
  await cancelRun(temporal.client, name);
  console.log(`${name} is being cancelled; what is on disk stays, and a new run goes on from it`);
}
