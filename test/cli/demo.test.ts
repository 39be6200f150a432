import assert from 'node:assert/strict';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { openCli } from './support.ts';

test('Ctrl-C in the middle of the demo: exit code 130, no process and no file is left', async (t) => {
  const cli = await openCli();
  t.after(() => cli.close());
  const temporary = join(cli.folder, 'tmp');
  await mkdir(temporary);
  const own = await openCli({ TMPDIR: temporary });
  t.after(() => own.close());

  const demo = own.start('demo');
  demo.stderr.resume();
  for await (const line of createInterface(demo.stdout)) if (/ merged: /.test(line)) break;
  demo.stdout.resume();
  demo.signal('SIGINT');
  assert.equal(await demo.ended, 130);
  assert.deepEqual(await readdir(temporary), []);
  // Each process of the demo has its temporary folder on its command line or in its environment.
  assert.deepEqual(await processesOf(temporary), []);
});

async function processesOf(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
    if (`${await read('cmdline')}${await read('environ')}`.includes(folder))
      found.push(`${pid} ${await read('cmdline')}`);
  }
  return found;
}
