/** What a machine is short of before a run begins: each gives what ends the shortage, once the run has said what it waits for. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../stage.ts';
import type { Before, Round } from './round.ts';

const CLI = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'main.ts');
const EATER = join(import.meta.dirname, '..', '..', 'fixtures', 'takes-free-memory.ts');

/** MemAvailable, bytes. */
export function freeMemory(): number {
  return Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
}

/**
 * A process takes what is free down to an eighth less than the run wants, and takes more where others let go of some: it must stay
 * short until the run has looked, whatever else runs on this machine.
 */
export const takeMemory: Before = async (round, { health }) => {
  const wanted = health.minFreeMemoryBytes;
  const eater = spawn(process.execPath, [EATER, String(wanted - wanted / 8)], { stdio: 'ignore' });
  const ended = once(eater, 'exit');
  await until('memory is short', () => freeMemory() < wanted);
  return async () => {
    try {
      assert.match(await round.reason(/HostUnhealthy/), /free memory .*wanted/);
    } finally {
      eater.kill('SIGKILL');
      await ended;
    }
  };
};

/** Leaves 16 MiB of the output's disk of 64. */
export const crowdDisk: Before = async (round) => {
  const ballast = join(round.output, 'ballast');
  await writeFile(ballast, Buffer.alloc(48 * 2 ** 20));
  return async () => {
    assert.match(await round.reason(/HostUnhealthy/), /free disk .*wanted/);
    await rm(ballast);
  };
};

export const alarmFile = ({ stage, name }: Round): string => join(stage.folder, `alarm-${name}`);

export const raiseAlarm: Before = async (round) => {
  await writeFile(alarmFile(round), '');
  return async () => {
    assert.match(await round.reason(/HostUnhealthy/), /health\.command/);
    await rm(alarmFile(round));
  };
};

/** Somebody else's merge, under a guard of its own, has the machine. */
export const occupyMachine: Before = async (round) => {
  const { stage } = round;
  const mark = join(stage.folder, 'occupied');
  const args = [CLI, 'guard', '--', 'sh', '-c', 'echo > "$1"; exec sleep 600', 'sh', mark];
  const guard = spawn(process.execPath, args, { env: stage.env, stdio: 'ignore' });
  const ended = once(guard, 'exit');
  await until('the other merge is on', () => existsSync(mark));
  return async () => {
    try {
      assert.match(await round.reason(/MachineBusy/), /held by pid \d+ \(sh/);
    } finally {
      guard.kill('SIGTERM');
      await ended;
      await rm(mark);
    }
  };
};
