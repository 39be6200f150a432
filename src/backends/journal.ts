import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { BackendName } from '../contract.ts';
import { readStat } from '../guard/proc.ts';
import { MergeError } from './backend.ts';

/**
 * The attempts of one pair, on disk beside its output: what is left of a merge that took its worker or its machine with it.
 *
 * JSON lines, appended; begin and end are on disk (fsync) before they return. An attempt that has begun and not ended is lost once
 * the process that began it is gone. A torn line, the last of a machine that went down, is passed over.
 */
export interface AttemptJournal {
  /** The lost attempts of this backend in this round since one of its attempts succeeded, oldest first. */
  lost(backend: BackendName, round: number): Promise<LostAttempt[]>;
  /** Creates the folder where its parent exists. Throws MergeError DiskFull or OutputUnwritable. */
  begin(backend: BackendName, round: number): Promise<Attempt>;
}

export interface LostAttempt {
  /** ISO 8601. */
  startedAt: string;
  /** The last sample that reached the disk, bytes; null where none did. */
  lastMemoryBytes: number | null;
}

interface Attempt {
  /** Notes the memory of the merge; at most one note a second is written, in the background. */
  sample(memoryBytes: number): void;
  /**
   * The attempt ended in a way that this process has seen; `succeeded` settles the lost attempts before it. Does not throw where the disk is full: the attempt then counts as lost
   * once this process has gone, which errs on the safe side.
   */
  end(outcome: string): Promise<void>;
}

type Entry =
  | { event: 'begin'; id: string; backend: BackendName; round: number; at: string; owner: Owner }
  | { event: 'sample'; id: string; memoryBytes: number }
  | { event: 'end'; id: string; outcome: string; at: string };

/** Names a process beyond the reuse of pids and beyond a restart of the machine. */
interface Owner {
  pid: number;
  startTicks: number;
  bootId: string;
}

const JOURNAL_FILE = 'journal.jsonl';
/** The file grows by some 80 bytes a sample, 150 kB in half an hour. */
const SAMPLE_EVERY_MS = 1000;

export function openJournal(workspaceDir: string): AttemptJournal {
  const path = join(workspaceDir, JOURNAL_FILE);
  return {
    lost: async (backend, round) => findLost(await readEntries(path), backend, round, await readBootId()),
    begin: async (backend, round) => {
      const bootId = await readBootId();
      const owner = { pid: process.pid, startTicks: readStat(process.pid)?.startTicks ?? 0, bootId };
      const entry: Entry = { event: 'begin', id: randomUUID(), backend, round, at: new Date().toISOString(), owner };
      let file: FileHandle | undefined;
      try {
        await makeFolder(workspaceDir);
        file = await open(path, 'a+');
        await endTornLine(file);
        await append(file, entry);
        await file.sync();
        await syncFolder(workspaceDir);
      } catch (error) {
        await file?.close();
        throw unwritable(workspaceDir, error);
      }
      return openAttempt(file, entry.id);
    },
  };
}

function openAttempt(file: FileHandle, id: string): Attempt {
  let writing = Promise.resolve();
  let isWriting = false;
  let isEnded = false;
  let lastMs = -Infinity;
  const write = async (entry: Entry): Promise<void> => {
    isWriting = true;
    try {
      await append(file, entry);
      await file.datasync();
    } catch {
      // A journal that cannot be written must not fail a merge that goes well.
    } finally {
      isWriting = false;
    }
  };
  return {
    sample: (memoryBytes) => {
      const nowMs = performance.now();
      if (isEnded || isWriting || nowMs - lastMs < SAMPLE_EVERY_MS) return;
      lastMs = nowMs;
      writing = write({ event: 'sample', id, memoryBytes });
    },
    end: async (outcome) => {
      if (isEnded) return;
      isEnded = true;
      await writing;
      await write({ event: 'end', id, outcome, at: new Date().toISOString() });
      await file.close();
    },
  };
}

function findLost(entries: Entry[], backend: BackendName, round: number, bootId: string): LostAttempt[] {
  const open = new Map<string, LostAttempt>();
  const own = new Set<string>();
  for (const entry of entries) {
    if (entry.event === 'begin' && entry.backend === backend && entry.round === round) {
      own.add(entry.id);
      // An attempt that a living process still runs, or is about to end, is not lost.
      if (!isAlive(entry.owner, bootId)) open.set(entry.id, { startedAt: entry.at, lastMemoryBytes: null });
    } else if (entry.event === 'sample') {
      const attempt = open.get(entry.id);
      if (attempt !== undefined) attempt.lastMemoryBytes = entry.memoryBytes;
    } else if (entry.event === 'end' && own.has(entry.id)) {
      if (entry.outcome === 'succeeded') open.clear();
      else open.delete(entry.id);
    }
  }
  return [...open.values()];
}

function isAlive(owner: Owner, bootId: string): boolean {
  return owner.bootId === bootId && readStat(owner.pid)?.startTicks === owner.startTicks;
}

async function readEntries(path: string): Promise<Entry[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
  return text.split('\n').flatMap((line) => {
    try {
      const entry: unknown = JSON.parse(line);
      return isEntry(entry) ? [entry] : [];
    } catch {
      return []; // Torn.
    }
  });
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null || !('event' in value) || !('id' in value)) return false;
  return value.event !== 'begin' || ('owner' in value && typeof value.owner === 'object' && value.owner !== null);
}

async function append(file: FileHandle, entry: Entry): Promise<void> {
  await file.appendFile(`${JSON.stringify(entry)}\n`);
}

async function endTornLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  if (size === 0) return;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  if (buffer[0] !== 10) await file.appendFile('\n');
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return;
  }
  await syncFolder(dirname(folder));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

function unwritable(folder: string, error: unknown): MergeError {
  const code = codeOf(error);
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  const message = `${folder} cannot be written: ${code}`;
  return new MergeError({ type: isFull ? 'DiskFull' : 'OutputUnwritable', message, file: folder }, { cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
}
