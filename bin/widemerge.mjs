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
const atLeast = (wantedMajor, wantedMinor) => major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);

// TypeScript sources need a Node that strips types by itself.
if (main === source ? atLeast(24, 0) : atLeast(22, 15)) {
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
  console.error(`widemerge needs Node 22.15 or newer; this is ${process.versions.node}`);
  process.exit(2);
}

/** In a checkout the sources may have changed since they were built (200 files: 5 ms); a package has no sources. */
function isBuiltUpToDate() {
  if (!existsSync(built)) return false;
  if (!existsSync(source)) return true;
  const stamp = inPackage('dist/.widemerge-built');
  const builtAt = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
  const sources = readdirSync(inPackage('src'), { recursive: true });
  return sources.every((file) => statSync(join(inPackage('src'), file)).mtimeMs <= builtAt);
}
