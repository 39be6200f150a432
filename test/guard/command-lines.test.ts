import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { readCommandLines, shortName } from '../../src/guard/command-lines.ts';
import { temporaryFolder } from './helpers.ts';

test('a command line that does not come is done without, and comes again when it can', async (t) => {
  // A pipe in its place: whoever opens it waits inside the kernel, as for the memory lock of a process.
  const folder = folderOf(t, { 7: 'sh\0-c\0', 9: 'node\0a.js\0' });
  mkdirSync(join(folder, '8'));
  const pipe = join(folder, '8', 'cmdline');
  execFileSync('mkfifo', [pipe]);
  const before = await readCommandLines([7, 8, 9], { folder, patienceMs: 100 });
  assert.deepEqual([...before], [[7, ['sh', '-c']]]);
  assert.equal((await readCommandLines([9], { folder })).size, 0, 'no second one while the first is stuck');
  writeFileSync(pipe, '');
  for (let tries = 0; tries < 100 && (await readCommandLines([9], { folder })).size === 0; tries++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual([...(await readCommandLines([9], { folder }))], [[9, ['node', 'a.js']]]);
  assert.equal((await readCommandLines([process.pid])).get(process.pid)?.[0], process.argv0);
});

test('the short name has nothing that could be a secret', () => {
  const names: [string[] | undefined, string | null][] = [
    [['/usr/bin/python3', '-I', '/opt/a b/merge.py', '--token', 'secret'], 'python3 merge.py'],
    [['node', '--max-semi-space-size=4', '/app/serve.ts'], 'node serve.ts'],
    [['sh', '-c', 'PASSWORD=secret x.py'], 'sh'],
    [['psql', 'postgres://user:secret@host/db'], 'psql'],
    [['curl', '-u', 'user:secret'], 'curl'],
    [['worker: secret of somebody'], 'worker:'],
    [[''], null],
    [undefined, null],
  ];
  for (const [words, name] of names) assert.equal(shortName(words), name);
});

function folderOf(t: TestContext, files: Record<number, string>): string {
  const folder = temporaryFolder(t);
  for (const [pid, content] of Object.entries(files)) {
    mkdirSync(join(folder, pid));
    writeFileSync(join(folder, pid, 'cmdline'), content);
  }
  return folder;
}

test('a folder with a blank in its name is none of the name; a title that a program has set is', () => {
  assert.equal(shortName(['/opt/my node/bin/node', '/a b/merge.ts']), 'node merge.ts');
  assert.equal(shortName(['nginx: worker process']), 'nginx:');
});
