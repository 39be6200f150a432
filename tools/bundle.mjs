/**
 * Behind the compiler: puts each program of dist, with the packages of pure JavaScript that it uses, into a few files. A module takes a third of a
 * millisecond to find and load; the command and the merge process have 450 between them.
 */
import { build } from 'esbuild';

const PROGRAMS = [['cli/main'], ['merge/process', 'merge/thread'], ['bigquery/process']];
/** Binaries, what finds files of its own beside itself, and what is large and seldom needed. */
const EXTERNAL = [
  '@duckdb/*',
  '@google-cloud/*',
  '@node-rs/crc32',
  '@temporalio/*',
  'apache-arrow',
  'koffi',
  'log-update',
];

for (const entries of PROGRAMS)
  await build({
    entryPoints: entries.map((name) => `dist/${name}.js`),
    outbase: 'dist',
    outdir: 'dist',
    // Two folders below the package, as every module that looks for files of it (src/*/*.ts).
    chunkNames: 'chunks/[name]-[hash]',
    allowOverwrite: true,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.15',
    external: EXTERNAL,
    sourcemap: true,
    // Packages that are CommonJS ask for Node's own modules.
    banner: {
      js: "import { createRequire as widemergeRequire } from 'node:module'; const require = widemergeRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
