/** Commands of all kinds under the real guard: those that merge, and those that do not. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { MergeError, type MergeContext } from '../../src/backends/backend.ts';
import { createBackends } from '../../src/backends/index.ts';
import type { MergeFigures } from '../../src/payloads.ts';
import type { MergeJob } from '../../src/merge/job.ts';
import { readManifestId } from '../../src/merge/parquet/key-values.ts';
import { LIMITS, MIB, processToken } from '../guard/helpers.ts';
import { pythonPath } from '../support/python-env.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', 'engines', 'example_command.py');

interface Scene {
  job: MergeJob;
  context: MergeContext;
  folder: string;
  run: (argv: string[]) => Promise<MergeFigures>;
  /** Runs JavaScript with `plan`, `out` and `fs` at hand. */
  runNode: (code: string) => Promise<MergeFigures>;
}

async function setUp(t: TestContext): Promise<Scene> {
  const folder = await temporaryFolder(t);
  const token = processToken(t);
  await writeParquet({
    [join(folder, 'a.parquet')]: 'SELECT range AS k, range / 3 AS a, range::VARCHAR AS t FROM range(5000)',
    [join(folder, 'b.parquet')]:
      'SELECT range AS k, range * 2 AS b FROM range(5000) WHERE range % 3 > 0 ORDER BY -range',
  });
  const job = mergeJob(folder, join(folder, 'out', 'merged.parquet'));
  const context: MergeContext = { limits: LIMITS, machineLock: join(folder, 'machine.lock') };
  await mkdir(join(folder, 'out'));
  const run = (argv: string[]): Promise<MergeFigures> =>
    createBackends().command.merge({ ...job, command: { argv, dir: folder } }, context);
  const prelude = `const fs = require('node:fs'); const [planPath, out] = process.argv.slice(2);
    const plan = JSON.parse(fs.readFileSync(planPath, 'utf8'));`;
  const runNode = (code: string): Promise<MergeFigures> =>
    run([process.execPath, '-e', prelude + code, token, '{plan}', '{out}']);
  return { job, context, folder, run, runNode };
}

async function failureOf(running: Promise<unknown>): Promise<MergeError> {
  const error: unknown = await running.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof MergeError, String(error));
  return error;
}

test('a command that merges: its output is signed, verified by value and published; progress and memory are heard', async (t) => {
  const { job, context, folder, run } = await setUp(t);
  const done: number[] = [];
  context.onProgress = ({ step, bytesDone }) => step === 'merge' && done.push(bytesDone);
  const figures = await run([await pythonPath(), EXAMPLE, '{plan}', '{out}']);
  assert.equal(figures.verified, 'full');
  assert.equal(figures.rows, 5000);
  assert.ok(figures.peakBytes > 100 * MIB, 'the memory of both processes');
  assert.equal(done.at(-1), 2);
  const manifest = JSON.parse(await readFile(`${job.output.path}.manifest.json`, 'utf8')) as Record<string, unknown>;
  assert.equal(manifest.engine, 'command');
  assert.equal(await readManifestId(job.output.path), manifest.id);
  assert.deepEqual((await readdir(join(folder, 'out'))).sort(), ['merged.parquet', 'merged.parquet.manifest.json']);
});

/** JavaScript, what comes of it, and what the failure says. */
const ENDINGS: [what: string, code: string, type: string, message: RegExp][] = [
  ['says what is wrong', `throw new Error('no such column')`, 'CommandFailed', /exit code 1\): Error: no such column$/],
  [
    'has no memory',
    `throw new RangeError('Array buffer allocation failed: std::bad_alloc')`,
    'MemoryExhausted',
    /ran out/,
  ],
  ['has no disk', `throw Object.assign(new Error('ENOSPC: no space left'))`, 'DiskFull', /no space left/],
  ['writes nothing', ``, 'OutputMismatch', /ended well, but wrote no output/],
  [
    'writes garbage',
    `fs.writeFileSync(out, 'x'.repeat(1e6))`,
    'OutputMismatch',
    /no whole Parquet file \(1000000 bytes\)/,
  ],
  [
    'writes a part of it',
    `fs.writeFileSync(out, fs.readFileSync(plan.spine).subarray(0, -20))`,
    'OutputMismatch',
    /no whole Parquet file/,
  ],
  [
    'writes another file',
    `fs.copyFileSync(plan.spine, out)`,
    'OutputMismatch',
    /it has 1 columns, the checkpoints make 4/,
  ],
  [
    'hands out a checkpoint',
    `fs.linkSync(plan.checkpoints[0].path, out)`,
    'OutputMismatch',
    /its output is a link or no plain file/,
  ],
  ['points elsewhere', `fs.symlinkSync(plan.checkpoints[0].path, out)`, 'OutputMismatch', /its output is a link/],
  ['is killed', `process.kill(process.pid, 'SIGKILL')`, 'Killed', /ended by SIGKILL, which the guard did not send/],
  ['crashes', `process.abort()`, 'CommandFailed', /crashed \(SIGABRT\)/],
  [
    'prints without end and fails',
    `for (let i = 0; i < 300; i++) fs.writeSync(i % 2 + 1, 'x'.repeat(1e6)); process.exit(9)`,
    'CommandFailed',
    /exit code 9\): x{100}/,
  ],
];
for (const [what, code, type, message] of ENDINGS)
  test(`a command that ${what}`, async (t) => {
    const { folder, runNode } = await setUp(t);
    const before = await readFile(join(folder, 'a.parquet'));
    const { facts } = await failureOf(runNode(code));
    assert.equal(facts.type, type, facts.message);
    assert.match(facts.message, message);
    assert.ok(facts.message.length < 1000);
    assert.deepEqual(await readFile(join(folder, 'a.parquet')), before, 'no checkpoint is touched');
    assert.deepEqual(
      (await readdir(join(folder, 'out'))).filter((name) => !name.startsWith('.')),
      [],
    );
  });

test('values that are wrong are found, by column and row', async (t) => {
  const { folder, run } = await setUp(t);
  const script = join(folder, 'wrong.py');
  const text = await readFile(EXAMPLE, 'utf8');
  const wrong = 'columns["b"] = pc.fill_null(columns["b"], 7)\n';
  await writeFile(script, text.replace('pq.write_table', `${wrong}pq.write_table`));
  const { facts } = await failureOf(run([await pythonPath(), script, '{plan}', '{out}']));
  assert.equal(facts.type, 'OutputMismatch');
  assert.match(facts.message, /column b has 7 in row 1 \(key 0\) where b.parquet has null/);
});

test('a command that eats memory is killed with its children, for want of memory', async (t) => {
  const { context, runNode } = await setUp(t);
  context.limits = { ...LIMITS, memoryBytes: 400 * MIB };
  const eater = `setInterval(() => (globalThis.kept ??= []).push(Buffer.alloc(20e6, 1)), 5)`;
  const code = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(eater)}, process.argv[1]], { detached: true }); setInterval(() => {}, 1000);`;
  const { facts } = await failureOf(runNode(code));
  assert.equal(facts.type, 'MemoryExhausted');
});

test('a command is stopped when its merge is, also where it does not listen', async (t) => {
  const { context, runNode } = await setUp(t);
  const controller = new AbortController();
  const reason = new Error('the operator has paused');
  context.signal = controller.signal;
  context.limits = { ...LIMITS, graceMs: 500 };
  context.onProgress = ({ step }) => step === 'merge' && controller.abort(reason);
  const code = `process.on('SIGTERM', () => {}); setInterval(() => console.log('{"done": 1, "total": 2}'), 50);`;
  await assert.rejects(runNode(code), (error) => error === reason);
});

test('a command that cannot be run here is unavailable, and says why', async (t) => {
  const { job, context, folder, run } = await setUp(t);
  await writeFile(join(folder, 'plain'), '#!/bin/sh\n');
  await writeFile(join(folder, 'unknown'), '#!/no/such/interpreter\n');
  await chmod(join(folder, 'unknown'), 0o755);
  for (const [program, message] of [
    ['no-such-program', /no-such-program is not on the PATH/],
    ['./none', /none is not there/],
    ['./plain', /plain is not executable \(chmod \+x\)/],
  ] as const) {
    const { facts } = await failureOf(run([program, '{plan}', '{out}']));
    assert.equal(facts.type, 'BackendUnavailable');
    assert.match(facts.message, message);
  }
  const { facts } = await failureOf(run(['./unknown', '{plan}', '{out}']));
  assert.match(facts.message, /unknown/);
  const none = await failureOf(createBackends().command.merge(job, context));
  assert.equal(none.facts.type, 'ConfigInvalid');
  assert.deepEqual(
    await readdir(join(folder, 'out')).then((names) => names.filter((name) => !name.startsWith('.'))),
    [],
  );
});
