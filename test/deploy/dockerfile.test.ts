import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { inProject, manifest, readText } from './deployment.ts';

interface Instruction {
  stage: number;
  name: string;
  words: string[];
}

/** The instructions with their stage (0 is what stands before the first FROM); continued lines are joined. */
function instructions(text: string): Instruction[] {
  let stage = 0;
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name, ...words] = line.trim().split(/\s+/);
      if (name === 'FROM') stage++;
      return { stage, name: name!, words };
    });
}

const dockerfile = instructions(readText('deploy/Dockerfile'));
const last = Math.max(...dockerfile.map(({ stage }) => stage));
const copies = dockerfile
  .filter(({ name }) => name === 'COPY')
  .map(({ stage, words }) => ({
    stage,
    from: words[0]!.startsWith('--from=') ? words[0]!.slice('--from='.length) : null,
    sources: words.slice(words[0]!.startsWith('--') ? 1 : 0, -1),
  }));
const fromContext = copies.filter(({ from }) => from === null).flatMap(({ sources }) => sources);
const final = copies.filter(({ stage }) => stage === last);
const inStage = (name: string): string =>
  dockerfile.find((item) => item.stage === last && item.name === name)!.words.join(' ');

test('every file that it copies exists', () => {
  for (const source of fromContext) assert.ok(existsSync(inProject(source)), source);
});

test('.dockerignore lets through what is copied, and nothing else', () => {
  const patterns = readText('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  assert.equal(patterns[0], '*', 'everything is left out first');
  const allowed = patterns.slice(1).map((pattern) => pattern.replace(/^!/, ''));
  assert.deepEqual(allowed.sort(), [...new Set(fromContext)].sort());
});

test('the final image has all that the package publishes and needs at run time', () => {
  const paths = final.flatMap(({ sources }) => sources.map((source) => source.replace(/^\/app\//, '')));
  // In a container there is no embedded server to build, and deploy/ is for whoever installs.
  const notNeeded = ['deploy', 'tools/temporal'];
  for (const needed of ['package.json', 'LICENSE', 'node_modules', ...manifest.files])
    if (!needed.startsWith('!') && !notNeeded.includes(needed)) assert.ok(paths.includes(needed), needed);
});

test('the final image has production dependencies only, from the lock file', () => {
  const modules = final.find(({ sources }) => sources.includes('/app/node_modules'));
  const stage = dockerfile.find(({ name, words }) => name === 'FROM' && words.at(-1) === modules?.from)?.stage;
  const install = dockerfile.find((item) => item.stage === stage && item.name === 'RUN');
  assert.deepEqual(install?.words.slice(0, 3), ['npm', 'ci', '--omit=dev']);
});

test('its Node is the pinned one of package.json, on Debian: the binaries are for glibc', () => {
  const image = dockerfile.find(({ name }) => name === 'ARG')!.words[0]!;
  assert.equal(image, `NODE_IMAGE=node:${manifest.devDependencies['node']!}-bookworm-slim`);
  for (const { words } of dockerfile.filter(({ name }) => name === 'FROM')) assert.equal(words[0], '${NODE_IMAGE}');
  assert.ok(readText('docker-compose.yml').includes(image.replace('=', ':-')), 'docker-compose.yml');
});

test('it runs the worker, not as root, with signals reaching Node', () => {
  assert.equal(inStage('USER'), 'node');
  assert.equal(inStage('ENTRYPOINT'), '["widemerge"]');
  assert.equal(inStage('CMD'), '["worker"]');
});
