import { sampleTree } from '../guard/process-tree.ts';

/** Short against any merge that matters, and still cheap: a sample is a few reads of /proc. */
const SAMPLE_MS = 150;

/** Watches the resident size of this process and everything below it; `bytes` is the largest sum seen. */
export function watchPeakRss(): { bytes: () => number; stop: () => void } {
  let peak = process.memoryUsage.rss();
  let sampling = false;
  const sample = async (): Promise<void> => {
    if (sampling) return;
    sampling = true;
    try {
      peak = Math.max(peak, (await sampleTree(process.pid)).rssBytes);
    } finally {
      sampling = false;
    }
  };
  const timer = setInterval(() => void sample(), SAMPLE_MS);
  return { bytes: () => peak, stop: () => clearInterval(timer) };
}
