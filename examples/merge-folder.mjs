// Merges a folder and shows how far it is; Ctrl-C stops it, and the same command goes on from there.
//
//   node examples/merge-folder.mjs checkpoints/GBPUSD GBPUSD.parquet
import { mergeCheckpoints, MergeError } from 'widemerge';

const [dir, out] = process.argv.slice(2);
const stop = new AbortController();
process.once('SIGINT', () => stop.abort(new Error('stopped')));

try {
  const { files, columns, rows, peakBytes, verified } = await mergeCheckpoints({
    dir,
    out,
    memoryBytes: 1024 ** 3,
    signal: stop.signal,
    onProgress: ({ step, bytesDone, bytesTotal }) => console.log(`${step} ${bytesDone} of ${bytesTotal} bytes`),
  });
  console.log(`${files} files, ${columns} columns x ${rows} rows, peak ${peakBytes} bytes, verified: ${verified}`);
} catch (error) {
  console.error(error instanceof MergeError ? `${error.facts.type}: ${error.message}` : String(error));
  process.exitCode = 1;
}
