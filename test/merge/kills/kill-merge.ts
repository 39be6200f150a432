/** Kills `widemerge merge` again and again, the same one, and goes on with it each time: what comes of it is what an undisturbed merge makes. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mulberry32 } from '../../../src/emulator/faults.ts';
import { manifestPath, workspacePath } from '../../../src/merge/workspace.ts';
import { findMerge, isAlive, until } from '../../pipeline/stage.ts';
import { sha256 } from '../../pipeline/witness.ts';
import { drawMoment, readTraces } from './moments.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'main.ts');
const VICTIMS = ['whole tree', 'merge process', 'its parent'] as const;

interface KillRequest {
  folder: string;
  sources: string;
  kills: number;
  seed: number;
  log: (line: string) => void;
}

export async function killAgainAndAgain({
  folder,
  sources,
  kills,
  seed,
  log,
}: KillRequest): Promise<{ late: number; resumed: number }> {
  const random = mulberry32(seed);
  random();
  const start = (output: string): ChildProcess =>
    spawn(process.execPath, [MAIN, 'merge', sources, '--key', 'k', '--out', output], {
      env: { ...process.env, WIDEMERGE_LOCK_FILE: join(folder, 'machine.lock') },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  const mergeToItsEnd = async (output: string): Promise<string> => {
    const child = start(output);
    child.stderr!.resume();
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0);
    return sha256(output);
  };
  const undisturbed = join(folder, 'undisturbed', 'merged.parquet');
  const expected = await mergeToItsEnd(undisturbed);
  const { size } = await stat(undisturbed);

  const output = join(folder, 'merged.parquet');
  const workspace = workspacePath(output);
  const partsSeen = new Map<string, number>();
  let [done, late, resumed] = [0, 0, 0];
  while (done < kills) {
    const before = readTraces(workspace);
    // A part that was whole before a kill is used, and not written again.
    for (const [name, ino] of before.parts) {
      const known = partsSeen.get(name) ?? ino;
      assert.equal(ino, known, `${name} was written again`);
      partsSeen.set(name, known);
    }
    if (before.parts.size > 0) resumed++;
    const moment = drawMoment(random, size);
    const victim = VICTIMS[done % VICTIMS.length]!;
    const child = start(output);
    child.stderr!.resume();
    const ended = once(child, 'close');
    while (child.exitCode === null && !moment.hasCome(readTraces(workspace), before)) await delay(2);
    const merge = findMerge(child.pid!);
    if (child.exitCode === null && merge !== null) {
      const victims = victim === 'whole tree' ? treeOf(child.pid!) : [victim === 'merge process' ? merge : child.pid!];
      for (const pid of victims) kill(pid);
      log(`kill ${++done}: ${victim}, ${moment.name}`);
    }
    await ended;
    await until('the merge process has ended, too', () => merge === null || !isAlive(merge));
    const visible = (await readdir(folder)).filter((name) => name.startsWith(basename(output)));
    if (visible.length === 0) continue;
    // Under its final name it is whole, whoever was killed, and the manifest comes after it.
    assert.equal(await sha256(output), expected, moment.name);
    await mergeToItsEnd(output);
    await stat(manifestPath(output));
    late++;
    partsSeen.clear();
    for (const path of [output, manifestPath(output)]) await rm(path);
  }
  assert.equal(await mergeToItsEnd(output), expected);
  const left = (await readdir(folder)).filter((name) => name.startsWith('.merged'));
  assert.deepEqual(left, [], 'no workspace is left');
  return { late, resumed };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended by itself, or with its parent.
  }
}

/** A process and all that it has started, itself first. */
function treeOf(pid: number): number[] {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
    return [pid, ...children.flatMap(treeOf)];
  } catch {
    return [];
  }
}
