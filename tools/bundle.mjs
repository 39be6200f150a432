/**
 * Behind the compiler: puts each program of dist, with the packages of pure JavaScript that it uses, into a few files. A module takes a third of a
 * millisecond to find and load; the command and the merge process have 450 between them.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
/** Two folders below the package, as every module that looks for files of it (src/*\/*.ts). */
const CHUNKS = 'chunks';

rmSync(join('dist', CHUNKS), { recursive: true, force: true });
const bundled = new Set();
for (const entries of PROGRAMS) {
  const { metafile } = await build({
    entryPoints: entries.map((name) => `dist/${name}.js`),
    outbase: 'dist',
    outdir: 'dist',
    chunkNames: `${CHUNKS}/[name]-[hash]`,
    allowOverwrite: true,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.15',
    external: EXTERNAL,
    metafile: true,
    sourcemap: true,
    sourcesContent: false,
    // Packages that are CommonJS ask for Node's own modules.
    banner: {
      js: "import { createRequire as widemergeRequire } from 'node:module'; const require = widemergeRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  for (const path of Object.keys(metafile.inputs)) {
    const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
    if (name !== undefined) bundled.add(name);
  }
}

/** Their licences ask to go where they go. */
const licences = [...bundled].sort().map((name) => {
  const folder = join('node_modules', name);
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(join(folder, file), 'utf8')}`;
});
writeFileSync(join('dist', CHUNKS, 'LICENSES.txt'), licences.join(`\n${'-'.repeat(80)}\n\n`));
