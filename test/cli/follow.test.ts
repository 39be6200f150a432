import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '@temporalio/client';
import { ServiceError } from '@temporalio/client';
import { explainError } from '../../src/cli/exit.ts';
import { followRun } from '../../src/cli/follow.ts';
import type { Display } from '../../src/cli/terminal.ts';
import { grpcError } from '../client/support.ts';

const withDeadline = (_: number, call: () => unknown): unknown => call();

/** Follows a run whose server gives these answers, one after the other, until one of them is thrown. */
async function follow(answers: Error[]) {
  const describe = (): Promise<never> =>
    Promise.reject(new ServiceError('Failed to describe workflow', { cause: answers.shift()! }));
  const client = { workflow: { getHandle: () => ({ describe }) }, withDeadline } as unknown as Client;
  const lines: string[] = [];
  const display: Display = {
    ...{ draw: () => undefined, end: () => undefined, live: false, height: () => 9 },
    line: (text) => lines.push(text),
  };
  const failure = await followRun(client, 'fx', display, new AbortController().signal).then(
    () => assert.fail('it has ended well'),
    explainError,
  );
  return { failure, lines };
}

test('a server that is away is waited for; what it refuses ends the watching, with one line', async () => {
  const answers = [grpcError(14, 'connect ECONNREFUSED'), grpcError(4, 'too late'), grpcError(7, 'not yours')];
  const { failure, lines } = await follow(answers);
  assert.deepEqual(answers, []);
  assert.deepEqual(lines, ['the Temporal server does not answer; waiting for it']);
  assert.equal(failure.exitCode, 3);
  assert.match(failure.text, /^ServerRefused: the Temporal server answers PERMISSION_DENIED: not yours; check .*$/);
});

test('a stumble is passed over without a word; only several in a row end the watching', async () => {
  const stumbles = [13, 2, 14, 10, 13, 2].map((code, i) => grpcError(code, `answer ${i}`));
  const { failure, lines } = await follow(stumbles);
  assert.deepEqual(stumbles, []);
  assert.deepEqual(lines, ['the Temporal server does not answer; waiting for it']);
  assert.match(failure.text, /^ServerRefused: the Temporal server answers UNKNOWN: answer 5;/);
});

test('an answer above the limit of a message is not waited for', async () => {
  const { failure } = await follow([grpcError(8, 'Received message larger than max (5 vs 4)')]);
  assert.match(failure.text, /^ServerRefused: .* RESOURCE_EXHAUSTED: Received message larger than max/);
});

test('a bug is not taken for silence', async () => {
  const client = { workflow: {}, withDeadline } as unknown as Client;
  const display = { live: true, draw: () => undefined } as unknown as Display;
  await assert.rejects(followRun(client, 'fx', display, new AbortController().signal), TypeError);
});

test('a server that goes away is no bug of the command', () => {
  const { exitCode, text } = explainError(new ServiceError('Failed to signal', { cause: grpcError(14, 'gone') }));
  assert.equal(exitCode, 3);
  assert.equal(
    text,
    'ServerUnavailable: the Temporal server does not answer (UNAVAILABLE: gone); try again once it does',
  );
});
