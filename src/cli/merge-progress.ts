import { formatBytes } from '../config/units.ts';
import type { Progress } from '../merge/job.ts';
import { bar, openDisplay } from './terminal.ts';

/** Off a terminal: a line when a step begins, and while it runs no more often than this. */
const PLAIN_LINE_MS = 10_000;
const REDRAW_MS = 100;

/** Shows the progress of one merge: a bar with files, bytes, rate and memory on a terminal, plain lines elsewhere. */
export function mergeProgress(stream: NodeJS.WriteStream): {
  onProgress: (progress: Progress) => void;
  onMemory: (memoryBytes: number) => void;
  end: () => void;
} {
  const display = openDisplay(stream);
  let latest: Progress | undefined;
  let stepStartedAt = 0;
  let bytesAtStart = 0;
  let shownAt = -Infinity;
  let memoryBytes = 0;

  const show = (force: boolean): void => {
    const now = performance.now();
    if (latest === undefined || (!force && now - shownAt < (display.live ? REDRAW_MS : PLAIN_LINE_MS))) return;
    shownAt = now;
    const seconds = (now - stepStartedAt) / 1000;
    const rate = seconds > 0.2 ? (latest.bytesDone - bytesAtStart) / seconds : 0;
    const text = progressText(latest, rate, memoryBytes);
    if (display.live) display.draw([`${bar(share(latest), 24)} ${text}`]);
    else display.line(text);
  };
  return {
    onProgress: (progress) => {
      const isNewStep = latest?.step !== progress.step;
      if (isNewStep) {
        stepStartedAt = performance.now();
        bytesAtStart = progress.bytesDone;
      }
      latest = progress;
      show(isNewStep);
    },
    onMemory: (bytes) => {
      memoryBytes = bytes;
      if (display.live) show(false);
    },
    end: () => display.end(false),
  };
}

function share({ filesDone, filesTotal, bytesDone, bytesTotal }: Progress): number {
  if (bytesTotal > 0) return bytesDone / bytesTotal;
  return filesTotal > 0 ? filesDone / filesTotal : 0;
}

function progressText(progress: Progress, bytesPerSecond: number, memoryBytes: number): string {
  const parts = [`${progress.step} ${progress.filesDone}/${progress.filesTotal} files`];
  if (progress.bytesTotal > 0) parts.push(`${formatBytes(progress.bytesDone)} of ${formatBytes(progress.bytesTotal)}`);
  if (bytesPerSecond > 0) parts.push(`${formatBytes(bytesPerSecond)}/s`);
  if (memoryBytes > 0) parts.push(`memory ${formatBytes(memoryBytes)}`);
  return parts.join(', ');
}
