import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ServiceError } from '@temporalio/client';
import { isSilence, isStumble, serverStatusOf } from '../../src/client/server-status.ts';
import { grpcError } from './support.ts';

suite('the status of a call', () => {
  test('is found among the causes, as one line', () => {
    const wrapped = new ServiceError('Failed to describe workflow', { cause: grpcError(7, 'no\n  way') });
    assert.deepEqual(serverStatusOf(wrapped), { name: 'PERMISSION_DENIED', details: 'no way' });
  });

  test('is none of a bug, or of a system error', () => {
    const denied = Object.assign(new Error('EACCES'), { code: 'EACCES', errno: -13 });
    for (const error of [new TypeError('x is undefined'), denied, 'text', null, undefined])
      assert.equal(serverStatusOf(error), null);
  });

  test('only what passes by itself is silence', () => {
    const silent = (code: number, details = 'x'): boolean => isSilence(serverStatusOf(grpcError(code, details))!);
    const codes = Array.from({ length: 17 }, (_, code) => code).filter((code) => silent(code));
    assert.deepEqual(codes, [1, 4, 8, 14]);
    assert.ok(silent(13, 'Received RST_STREAM with code 2 (Internal server error)'));
  });

  test('a message above the limit of gRPC is not a server that is too busy', () => {
    const said = [
      'Received message larger than max (5000000 vs 4194304)',
      'grpc: received message larger than max (5000000 vs. 4194304)',
      'Received message that decompresses to a size larger than 4194304',
      'Attempted to send message with a size larger than 4194304',
    ];
    for (const details of said) assert.equal(isSilence({ name: 'RESOURCE_EXHAUSTED', details }), false, details);
    assert.ok(isSilence({ name: 'RESOURCE_EXHAUSTED', details: 'namespace rate limit exceeded' }));
  });

  test('what a server may answer once by mistake', () => {
    const codes = Array.from({ length: 17 }, (_, code) => code);
    const stumbles = codes.filter((code) => isStumble(serverStatusOf(grpcError(code, 'x'))!));
    assert.deepEqual(stumbles, [2, 10, 13]);
  });
});
