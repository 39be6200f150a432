import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '@temporalio/client';
import { ServiceError } from '@temporalio/client';
import { explainError } from '../../src/cli/exit.ts';
import { followRun } from '../../src/cli/follow.ts';
import type { Display } from '../../src/cli/terminal.ts';
import { grpcError } from '../client/support.ts';

const withDeadline = (_: number, call: () => unknown): unknown => call();

test('a server that is away is waited for; what it refuses ends the watching, with one line', async () => {
  const answers = [grpcError(14, 'connect ECONNREFUSED'), grpcError(4, 'too late'), grpcError(7, 'not yours')];
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
  assert.deepEqual(answers, []);
  assert.deepEqual(lines, ['the Temporal server does not answer; waiting for it']);
  assert.equal(failure.exitCode, 3);
  assert.match(failure.text, /^ServerRefused: the Temporal server answers PERMISSION_DENIED: not yours; check .*$/);
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
