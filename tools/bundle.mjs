/**
 * Behind the compiler: puts each program of dist, with the packages of pure JavaScript that it uses, into a few files. A module takes a third of a
 * millisecond to find and load; the command and the merge process have 450 between them.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** In many files, of which a command loads what it needs. */
const IN_CHUNKS = ['cli/main', 'bigquery/process'];
/** In one file each, as CommonJS: of all that it has nearly all is needed, and Node starts it in 10 ms less. */
const IN_ONE = ['merge/process', 'merge/thread'];
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

const OPTIONS = {
  outbase: 'dist',
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node22.15',
  external: EXTERNAL,
  metafile: true,
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
};

const built = [
  await build({
    ...OPTIONS,
    entryPoints: IN_ONE.map((name) => `dist/${name}.js`),
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    define: { 'import.meta.url': 'ownUrl' },
    banner: { js: "'use strict'; const ownUrl = require('node:url').pathToFileURL(__filename).href;" },
  }),
];
// What the compiler has made of them nobody starts.
for (const name of IN_ONE)
  for (const end of ['.js', '.js.map', '.d.ts']) rmSync(join('dist', name + end), { force: true });
for (const name of IN_CHUNKS)
  built.push(
    await build({
      ...OPTIONS,
      entryPoints: [`dist/${name}.js`],
      chunkNames: `${CHUNKS}/[name]-[hash]`,
      allowOverwrite: true,
      splitting: true,
      format: 'esm',
      // Packages that are CommonJS ask for Node's own modules.
      banner: {
        js: "import { createRequire as widemergeRequire } from 'node:module'; const require = widemergeRequire(import.meta.url);",
      },
    }),
  );

const bundled = new Set();
for (const { metafile } of built)
  for (const path of Object.keys(metafile.inputs)) {
    const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
    if (name !== undefined) bundled.add(name);
  }

/** Their licences ask to go where they go. */
const licences = [...bundled].sort().map((name) => {
  const folder = join('node_modules', name);
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(join(folder, file), 'utf8')}`;
});
writeFileSync(join('dist', CHUNKS, 'LICENSES.txt'), licences.join(`\n${'-'.repeat(80)}\n\n`));
