import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { MergeError } from '../../src/backends/backend.ts';
import { openJournal } from '../../src/backends/journal.ts';
import { fixture, processToken, temporaryFolder } from '../guard/helpers.ts';

/** A real process begins an attempt, notes a sample, and is killed. */
async function loseAttempt(t: TestContext, workspace: string): Promise<void> {
  const child = spawn(process.execPath, [fixture('begins-attempt'), processToken(t), workspace], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('attempts of killed processes are lost, by backend and round', async (t) => {
  const workspace = join(temporaryFolder(t), '.out.parquet.widemerge');
  const journal = openJournal(workspace);
  assert.deepEqual(await journal.lost('local', 0), []);
  await loseAttempt(t, workspace);
  await loseAttempt(t, workspace);
  const lost = await journal.lost('local', 0);
  assert.deepEqual(
    lost.map(({ lastMemoryBytes }) => lastMemoryBytes),
    [123_456, 123_456],
  );
  assert.ok(lost.every(({ startedAt }) => new Date(startedAt).toISOString() === startedAt));
  assert.deepEqual(await journal.lost('duckdb', 0), []);
  assert.deepEqual(await journal.lost('local', 1), []);

  const failed = await journal.begin('local', 0);
  await failed.end('MergeTimedOut');
  assert.equal((await journal.lost('local', 0)).length, 2);
  const succeeded = await journal.begin('local', 0);
  assert.equal((await journal.lost('local', 0)).length, 2);
  await succeeded.end('succeeded');
  assert.deepEqual(await journal.lost('local', 0), []);
});

test('an attempt of a living process is not lost, whatever its age', async (t) => {
  const journal = openJournal(temporaryFolder(t));
  const attempt = await journal.begin('local', 0);
  attempt.sample(1);
  assert.deepEqual(await journal.lost('local', 0), []);
  await attempt.end('cancelled');
  await attempt.end('twice');
  attempt.sample(2);
  assert.deepEqual(await journal.lost('local', 0), []);
});

test('an attempt from before a restart of the machine is lost, though its pid lives', async (t) => {
  const workspace = temporaryFolder(t);
  const journal = openJournal(workspace);
  await journal.begin('local', 0).then((attempt) => t.after(() => attempt.end('cancelled')));
  const path = join(workspace, 'journal.jsonl');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/"bootId":"[^"]+"/, '"bootId":"another"'));
  assert.equal((await journal.lost('local', 0)).length, 1);
});

test('torn lines and garbage are passed over, and nothing is glued to them', async (t) => {
  const workspace = temporaryFolder(t);
  const journal = openJournal(workspace);
  await loseAttempt(t, workspace);
  const path = join(workspace, 'journal.jsonl');
  appendFileSync(path, '{"event":"end","id":"x"}\nnull\n{"event":"begin","id":"y"}\n\0\0\0\n{"event":"sample","id":');
  assert.equal((await journal.lost('local', 0)).length, 1);
  await loseAttempt(t, workspace);
  assert.equal((await journal.lost('local', 0)).length, 2);
  truncateSync(path, readFileSync(path).length - 10);
  assert.equal((await journal.lost('local', 0)).length, 2);
});

test('a workspace that cannot be made is a typed failure', async (t) => {
  const journal = openJournal(join(temporaryFolder(t), 'missing', 'workspace'));
  await assert.rejects(
    journal.begin('local', 0),
    (error) => error instanceof MergeError && error.facts.type === 'OutputUnwritable',
  );
});
