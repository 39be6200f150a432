/** The power goes while a merge writes, and right after it has published: a file system that loses what was not on its disk. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'node:test';
import { runSteps } from '../../../src/merge/steps.ts';
import { manifestPath, workspacePath } from '../../../src/merge/workspace.ts';
import { findMerge, isAlive } from '../../pipeline/stage.ts';
import { sha256 } from '../../pipeline/witness.ts';
import { openLoopDisk } from '../../support/loop-disk.ts';
import { mergeJob, temporaryFolder } from '../../support/parquet-by-sql.ts';
import { writeMixedPair } from './mixed-pair.ts';
import { readTraces, type Moment } from './moments.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'main.ts');

const MOMENTS: [name: string, hasCome: Moment['hasCome']][] = [
  ['some parts are there', ({ parts }) => parts.size >= 4],
  ['the output is begun', ({ output }, before) => (output?.bytes ?? 0) > 0 && output!.ino !== before.output?.ino],
  ['the output is verified', ({ draft }, before) => draft !== null && draft !== before.draft],
];

test('after a power cut nothing half-written is there, and the merge goes on', { timeout: 300_000 }, async (t) => {
  const disk = await openLoopDisk(t, 'xfs');
  if (disk === null) return;
  const folder = await temporaryFolder(t);
  const sources = join(folder, 'sources');
  await writeMixedPair(sources, { aligned: 4, misaligned: 3, rows: 20_000 });
  await mkdir(join(folder, 'undisturbed'));
  const undisturbed = join(folder, 'undisturbed', 'merged.parquet');
  await runSteps(mergeJob(sources, undisturbed), () => undefined);
  const expected = await sha256(undisturbed);

  const output = join(disk.dir, 'merged.parquet');
  const workspace = workspacePath(output);
  const start = () => {
    const child = spawn(process.execPath, [MAIN, 'merge', sources, '--key', 'k', '--out', output], {
      env: { ...process.env, WIDEMERGE_LOCK_FILE: join(folder, 'machine.lock') },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    return { child, ended: once(child, 'close'), said: () => said };
  };
  for (const [name, hasCome] of MOMENTS) {
    const before = readTraces(workspace);
    const { child, ended, said } = start();
    while (child.exitCode === null && !hasCome(readTraces(workspace), before)) await delay(2);
    // Stands still until the power is gone.
    const merge = findMerge(child.pid!);
    if (merge !== null) process.kill(merge, 'SIGSTOP');
    await disk.cutPower();
    if (merge !== null && isAlive(merge)) process.kill(merge, 'SIGCONT');
    await ended;
    await disk.mountAgain();
    const visible: string[] = (await readdir(disk.dir)).filter((entry) => !entry.startsWith('.'));
    if (child.exitCode === 0) {
      // It was quicker than the cut.
      assert.equal(await sha256(output), expected, name);
      for (const path of [output, manifestPath(output)]) await rm(path);
      continue;
    }
    assert.equal(child.exitCode, 3, said());
    assert.match(said(), /\(EIO\); look after/, name);
    assert.deepEqual(visible, [], name);
    t.diagnostic(`power cut when ${name}: ${said().trim().split('\n').at(-1)}`);
  }
  // Not a moment for the file system to write what it has not been made to.
  const last = start();
  await last.ended;
  await disk.cutPower();
  assert.equal(last.child.exitCode, 0, last.said());
  await disk.mountAgain();
  assert.equal(await sha256(output), expected);
  await runSteps(mergeJob(sources, output, { steps: ['recheck'], recheckSources: true }), () => undefined);
  // Whoever comes next finds it merged, and tidies up where the workspace came back.
  const again = start();
  await again.ended;
  assert.equal(again.child.exitCode, 0, again.said());
  assert.equal(await sha256(output), expected);
  assert.deepEqual((await readdir(disk.dir)).sort(), ['merged.parquet', 'merged.parquet.manifest.json']);
});
