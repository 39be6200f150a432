import * as zlib from 'node:zlib';

/** What this Node lacks that a merge needs, with what to do; null where it lacks nothing. `engines` of package.json names the same versions. */
export const lackOfNode = (): string | null =>
  'zstdDecompressSync' in zlib
    ? null
    : `Node ${process.versions.node} has no Zstandard; 22.15, 23.8, or 24 and newer have it`;
