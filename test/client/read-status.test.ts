import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Client } from '@temporalio/client';
import { QueryNotRegisteredError, ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { queryProgress } from '../../src/client/read-status.ts';
import { grpcError } from './support.ts';

suite('the query of a run', () => {
  const ask = (error: Error) => {
    const handle = { query: () => Promise.reject(error) };
    const withDeadline = (_: number, call: () => unknown): unknown => call();
    return queryProgress({ withDeadline, workflow: { getHandle: () => handle } } as unknown as Client, 'fx');
  };
  const answers = (code: number, details: string): Error =>
    new ServiceError('Failed to query Workflow', { cause: grpcError(code, details) });
  const whyOf = async (error: Error): Promise<string> => {
    const answer = await ask(error);
    assert.equal(answer.progress, null);
    return answer.why;
  };

  test('without an answer in time there is no worker', async () => {
    const silence = [
      answers(4, 'Deadline exceeded'),
      answers(14, 'gone'),
      answers(9, 'no poller seen for task queue x'),
    ];
    for (const error of silence) assert.equal(await whyOf(error), 'no worker answers');
  });

  test('a workflow that fails is told apart from a worker that is missing, with its own words', async () => {
    const failed = 'Unable to query workflow due to Workflow Task in failed state.';
    const failures = [answers(9, failed), Reflect.construct(QueryNotRegisteredError, [failed, 3]) as Error];
    for (const error of failures) assert.equal(await whyOf(error), `the workflow of the run cannot answer (${failed})`);
  });

  test('a history that is gone has no answer', async () => {
    assert.match(await whyOf(new WorkflowNotFoundError('not found', 'widemerge/fx', undefined)), /history .* is gone/);
  });

  test('a refusal, a message above the limit and a bug are thrown', async () => {
    const errors = [
      answers(7, 'Request unauthorized.'),
      answers(8, 'Received message larger than max (5 vs 4)'),
      answers(13, 'x'),
      new TypeError('x is undefined'),
    ];
    for (const error of errors) await assert.rejects(ask(error), (thrown) => thrown === error);
  });
});
