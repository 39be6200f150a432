import type { GuardClock } from './clock.ts';
import { readCommandLines } from './command-lines.ts';
import { CpuMeter } from './cpu-time.ts';
import { writeEvidence } from './evidence.ts';
import { killAtOnce } from './kill.ts';
import { MemorySampler } from './memory-sampler.ts';
import { readIoBytes, TICK_MS, type ProcessStat } from './proc.ts';
import type { ProcessTree } from './process-tree.ts';
import { Series } from './series.ts';
import { StallMeter } from './stall.ts';
import { describeStuck, lookAtStuck, stuckLines } from './stuck.ts';
import type { Verdict } from './verdict.ts';

const SLOWEST_MS = 100;
const FASTEST_MS = 10;
/** Faster than every 100 ms, watching waits this many times as long as it took: a machine has thousands of processes perhaps. */
const REST = 4;
const MIB = 1024 * 1024;

export interface WatcherOptions {
  tree: ProcessTree;
  clock: GuardClock;
  killAboveBytes: number;
  timeoutMs: number;
  stallMs: number;
  /** Where the evidence of a stall is written. */
  evidenceFile?: string | undefined;
  /** Distinct messages of the child so far. */
  messages: () => number;
  onSample: (memoryBytes: number) => void;
  /** Called for each limit that is passed; the first verdict is the one that counts. */
  onVerdict: (verdict: Verdict) => void;
}

/**
 * Samples a tree's memory every 100 ms, and faster the sooner it could reach its limit; times it and looks for progress. All
 * times are of a monotonic clock.
 */
export class Watcher {
  /** Peak of the samples, bytes. */
  peakBytes = 0;
  readonly series = new Series();
  readonly cpu = new CpuMeter();
  readonly #sampler = new MemorySampler();
  readonly #options: WatcherOptions;
  readonly #startedMs: number;
  readonly #stall: StallMeter;
  readonly #stopped = new AbortController();
  #lastBytes = 0;
  #lastSampleMs: number;
  #stallVerdict: Verdict | null = null;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#startedMs = options.clock.now();
    this.#lastSampleMs = this.#startedMs;
    this.#stall = new StallMeter(this.#startedMs);
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** Watches until stop(). */
  async run(): Promise<void> {
    const { tree, clock, timeoutMs } = this.#options;
    let members: ProcessStat[] = [];
    let scannedMs = -Infinity;
    // Short at first: a quick child would end before its first sample worth having.
    let ceilingMs = FASTEST_MS;
    while (!this.#isStopped) {
      const beganMs = clock.now();
      if (beganMs - scannedMs >= ceilingMs) {
        members = tree.scan();
        scannedMs = beganMs;
        await this.#checkProgress(members);
      }
      const msToLimit = await this.#sample(members);
      const nowMs = clock.now();
      if (nowMs - this.#startedMs > timeoutMs) {
        this.#judge({
          outcome: 'timed-out',
          reason: `not done after ${seconds(timeoutMs)} s`,
          by: 'timeout',
          gentle: true,
        });
      }
      const waitMs = Math.min(ceilingMs, Math.max(FASTEST_MS, msToLimit / 4));
      ceilingMs = Math.min(SLOWEST_MS, ceilingMs * 2);
      // Never slower than that: on a busy machine all takes long, and there the watch is needed most.
      const restMs = Math.min(SLOWEST_MS, REST * (nowMs - beganMs), Math.max(FASTEST_MS, msToLimit / 2));
      await clock.pause(Math.max(waitMs, restMs), this.#stopped.signal);
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** Milliseconds until the limit is reached at the pace of the last sample. */
  async #sample(members: ProcessStat[]): Promise<number> {
    const { clock, killAboveBytes, onSample } = this.#options;
    const pids = members.map(({ pid }) => pid);
    const memoryBytes = await this.#sampler.sample(pids, killAboveBytes);
    const nowMs = clock.now();
    const bytesPerMs = Math.max(0, memoryBytes - this.#lastBytes) / Math.max(1, nowMs - this.#lastSampleMs);
    this.#lastBytes = memoryBytes;
    this.#lastSampleMs = nowMs;
    this.peakBytes = Math.max(this.peakBytes, memoryBytes);
    this.series.push(nowMs - this.#startedMs, memoryBytes);
    if (this.#isStopped) return Infinity;
    // Before anything else: what takes memory at full speed takes a megabyte in half a millisecond.
    if (memoryBytes > killAboveBytes) {
      killAtOnce(members);
      const reason = `the process tree took ${mib(memoryBytes)} MiB of memory, its limit is ${mib(killAboveBytes)} MiB`;
      this.#judge({ outcome: 'memory-exhausted', reason, by: 'watcher', gentle: false });
    }
    onSample(memoryBytes);
    return bytesPerMs === 0 ? Infinity : (killAboveBytes - memoryBytes) / bytesPerMs;
  }

  async #checkProgress(members: ProcessStat[]): Promise<void> {
    const works = members.map(({ pid, startTicks, cpuTicks }) => ({
      pid,
      startTicks,
      cpuMs: cpuTicks * TICK_MS,
      ioBytes: readIoBytes(pid) ?? 0,
    }));
    this.cpu.update(works);
    const idleMs = this.#stall.update(this.#options.clock.now(), this.#options.messages(), works);
    if (idleMs <= this.#options.stallMs) return;
    // Read once, and before the kill: it is all that will be left of a deadlock. Judged as often as there is something left to kill.
    this.#stallVerdict ??= await this.#describeStall(members, idleMs);
    this.#judge(this.#stallVerdict);
  }

  async #describeStall(members: ProcessStat[], idleMs: number): Promise<Verdict> {
    const what = `no progress for ${seconds(idleMs)} s`;
    const { evidenceFile } = this.#options;
    const commandLines = await readCommandLines(members.map(({ pid }) => pid));
    const file = evidenceFile === undefined ? null : writeEvidence(evidenceFile, members, commandLines, what);
    const where = file === null ? '' : ` (all of it in ${file})`;
    const stuck = lookAtStuck(members, commandLines);
    const reason = `${what}: ${describeStuck(stuck)}${where}`;
    return { outcome: 'stalled', reason, by: 'stall', gentle: false, evidence: stuckLines(stuck) };
  }

  #judge(verdict: Verdict): void {
    if (!this.#isStopped) this.#options.onVerdict(verdict);
  }
}

const mib = (bytes: number): string => (bytes / MIB).toFixed(0);
const seconds = (ms: number): string => (ms / 1000).toFixed(ms < 10_000 ? 1 : 0);
