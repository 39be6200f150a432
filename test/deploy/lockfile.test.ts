import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readText } from './deployment.ts';

interface Lock {
  packages: Record<string, { version?: string; optionalDependencies?: Record<string, string> }>;
}

test('the lock file has the packages of every platform, not only of the one it was written on: npm ci refuses it otherwise', () => {
  const { packages } = JSON.parse(readText('package-lock.json')) as Lock;
  const missing = Object.entries(packages).flatMap(([where, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => {
      const found = packages[`${where}/node_modules/${name}`] ?? packages[`node_modules/${name}`];
      return found?.version === undefined;
    }),
  );
  assert.deepEqual(missing, []);
});
