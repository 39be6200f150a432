import { sampleTree } from '../guard/process-tree.ts';

/** Short against any merge that matters, and still cheap: a sample is a few reads of /proc. */
const SAMPLE_MS = 150;

/** The largest sums seen, bytes. */
export interface PeakMemory {
  /** Anonymous and shared memory and swap, each counted once: what the guard's limits are about. */
  memoryBytes: number;
  /** Resident sizes: mapped files are in it, once for each process. */
  rssBytes: number;
}

/** Watches the memory of this process and everything below it. */
export function watchPeakMemory(): { peak: () => PeakMemory; stop: () => void } {
  const peak: PeakMemory = { memoryBytes: 0, rssBytes: process.memoryUsage.rss() };
  let sampling = false;
  const sample = async (): Promise<void> => {
    if (sampling) return;
    sampling = true;
    try {
      const now = await sampleTree(process.pid);
      peak.memoryBytes = Math.max(peak.memoryBytes, now.memoryBytes);
      peak.rssBytes = Math.max(peak.rssBytes, now.rssBytes);
    } finally {
      sampling = false;
    }
  };
  void sample();
  const timer = setInterval(() => void sample(), SAMPLE_MS);
  return { peak: () => peak, stop: () => clearInterval(timer) };
}
