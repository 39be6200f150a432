import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import test from 'node:test';
import { findMerge, isAlive, until } from '../pipeline/stage.ts';
import type { MergeJob, MergeMessage } from '../../src/merge/job.ts';
import { workspacePath } from '../../src/merge/workspace.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

const PROCESS = join(import.meta.dirname, '../../src/merge/process.ts');
const CLI = join(import.meta.dirname, '../../src/cli/main.ts');

test('a merge process that is stuck does not outlive a killed guard, nor hold its lock', async (t) => {
  const dir = await temporaryFolder(t);
  // Keys of their own in every file: all are rewritten, which takes long enough to be caught at it.
  const queries = Array.from({ length: 12 }, (_, i): [string, string] => [
    join(dir, `c${i}.parquet`),
    `SELECT range + ${i} k, random() v${i} FROM range(20000)`,
  ]);
  await writeParquet(Object.fromEntries(queries));
  const lock = join(dir, 'machine.lock');
  const merge = (): ReturnType<typeof spawn> =>
    spawn(process.execPath, [CLI, 'merge', dir, '--key', 'k', '--out', join(dir, 'merged.out')], {
      stdio: 'ignore',
      env: { ...process.env, WIDEMERGE_LOCK_FILE: lock },
    });
  const first = merge();
  await until('the merge process is at work', () =>
    access(join(dir, '.merged.out.widemerge', 'parts')).then(
      () => true,
      () => false,
    ),
  );
  const child = findMerge(first.pid!)!;
  t.after(() => isAlive(child) && process.kill(child, 'SIGKILL'));
  process.kill(child, 'SIGSTOP');
  const ended = once(first, 'exit');
  first.kill('SIGKILL');
  await ended;
  await until('the stopped merge process is gone', () => !isAlive(child));

  const second = merge();
  const [code] = (await once(second, 'exit')) as [number];
  assert.equal(code, 0);
  assert.deepEqual(
    (await readdir(dir)).filter((name) => name.startsWith('.')),
    [],
  );
});

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  messages: MergeMessage[];
}

/** Runs a job in a merge process without a guard. */
async function runProcess(
  job: MergeJob,
  onMessage: (child: ReturnType<typeof spawn>) => void,
  flags: string[] = [],
): Promise<Ended> {
  const child = spawn(process.execPath, [...flags, PROCESS], { stdio: ['pipe', 'ignore', 'inherit', 'pipe'] });
  child.stdin!.write(`${JSON.stringify(job)}\n`);
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const messages: MergeMessage[] = [];
  for await (const line of createInterface({ input: child.stdio[3] as Readable })) {
    messages.push(JSON.parse(line) as MergeMessage);
    onMessage(child);
  }
  const [code, signal] = await ended;
  return { code, signal, messages };
}

test('ended by SIGTERM, it stops in order, says so by the way it ends, and tells no failure of its own', async (t) => {
  const dir = await temporaryFolder(t);
  await writeParquet({ [join(dir, 'a.parquet')]: 'SELECT 1 AS k, 2 AS v' });
  // More messages than the pipe holds: it cannot be done before the first of them is answered.
  const steps = Array.from({ length: 5000 }, () => 'discover' as const);
  const output = join(dir, 'out.merged');
  // Killed by the signal itself, it would leave its lock's folder.
  await mkdir(workspacePath(output));
  await writeFile(join(workspacePath(output), 'lock'), 'pid 1');
  let told = false;
  const { code, signal, messages } = await runProcess(mergeJob(dir, output, { steps }), (child) => {
    // Once: a second one kills it where it is.
    if (!told) told = child.kill('SIGTERM');
  });
  assert.ok(signal === 'SIGTERM' || code === 143, `${String(signal)} ${String(code)}`);
  assert.ok(messages.every(({ event }) => event === 'discovered'));
  await assert.rejects(access(workspacePath(output)), { code: 'ENOENT' });
});

test('memory that it is refused is a failure of that type', async (t) => {
  const dir = await temporaryFolder(t);
  await writeParquet({ [join(dir, 'a.parquet')]: 'SELECT 1 AS k, 2 AS v' });
  // From the moment on that it has read its job.
  const refusal = `data:text/javascript,${encodeURIComponent(
    'const { parse } = JSON; JSON.parse = (text) => { Buffer.allocUnsafe = () => new ArrayBuffer(2 ** 52); return parse(text); };',
  )}`;
  const job = mergeJob(dir, join(dir, 'out.merged'));
  const { code, messages } = await runProcess(job, () => undefined, ['--import', refusal]);
  assert.equal(code, 3);
  const message = messages.at(-1)!;
  assert.ok(message.event === 'failed');
  assert.equal(message.failure.type, 'MemoryExhausted');
  assert.match(message.failure.message, /Array buffer allocation failed/);
});
