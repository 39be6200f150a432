#!/usr/bin/env node
// Plain JavaScript that any Node can read: finds a Node that is new enough, and the built or the source command.
import { existsSync, readdirSync, statSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const inPackage = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const built = inPackage('dist/cli/main.js');
const source = inPackage('src/cli/main.ts');
const ownNode = inPackage('node_modules/node/bin/node');
const main = isBuiltUpToDate() ? built : source;

const [major, minor] = process.versions.node.split('.').map(Number);
/** That has Zstandard (`engines` in package.json); TypeScript sources need one that strips types by itself. */
const isNewEnough =
  main === source ? major >= 24 : major >= 24 || (major === 23 && minor >= 8) || (major === 22 && minor >= 15);

if (isNewEnough) {
  // Compiled code is kept between runs; a merge process that this one starts uses it, too.
  nodeModule.enableCompileCache?.();
  await import(main);
} else if (existsSync(ownNode)) {
  const { spawn } = await import('node:child_process');
  const child = spawn(ownNode, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  // The terminal's Ctrl-C reaches both; others' signals reach only this process.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
} else {
  const wanted = main === source ? 'not built needs Node 24 (make setup brings it)' : 'needs Node 22.15, 23.8, or 24';
  console.error(`widemerge ${wanted} or newer; this is ${process.versions.node}`);
  process.exit(2);
}

/** In a checkout the sources may have changed since they were built; a package has no sources. */
function isBuiltUpToDate() {
  if (!existsSync(built)) return false;
  if (!existsSync(source)) return true;
  const stamp = inPackage('dist/.widemerge-built');
  return isOlder(inPackage('src'), existsSync(stamp) ? statSync(stamp).mtimeMs : 0);
}

/** Whether nothing in the folder was changed since then, added or removed. 500 files take 3 ms so; `readdir` by itself, recursive, takes 10. */
function isOlder(folder, ms) {
  if (statSync(folder).mtimeMs > ms) return false;
  return readdirSync(folder, { withFileTypes: true }).every((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? isOlder(path, ms) : statSync(path).mtimeMs <= ms;
  });
}
