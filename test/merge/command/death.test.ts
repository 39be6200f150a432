import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { mergeJob, temporaryFolder, writeParquet } from '../../support/parquet-by-sql.ts';
import { processesWith, processToken, waitFor } from '../../guard/helpers.ts';

const PROCESS = join(import.meta.dirname, '..', '..', '..', 'src', 'merge', 'process.ts');

test('a command does not outlive its merge process, even where no guard is left to end it', async (t) => {
  const token = processToken(t);
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'out'));
  await writeParquet({ [join(folder, 'a.parquet')]: 'SELECT range AS k, range AS a FROM range(10)' });
  const job = mergeJob(folder, join(folder, 'out', 'm.parquet'), {
    engine: 'command',
    command: {
      argv: [process.execPath, '-e', 'setInterval(() => {}, 1000)', token, '{plan}', '{out}'],
      dir: folder,
      under: ['setpriv', '--pdeathsig', 'KILL', '--'],
    },
  });
  const child = spawn(process.execPath, [PROCESS], { stdio: ['pipe', 'ignore', 'inherit', 'pipe'] });
  child.stdin?.write(`${JSON.stringify(job)}\n`);
  await waitFor(() => processesWith(token).some((line) => !line.includes('setpriv')), 'the command runs');
  const [line] = processesWith(token);
  assert.match(await readFile(`/proc/${Number.parseInt(line ?? '')}/cmdline`, 'utf8'), /setInterval/);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await waitFor(() => processesWith(token).length === 0, 'the command is gone');
});
