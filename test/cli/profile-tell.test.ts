import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tellProfile } from '../../src/cli/profile-tell.ts';
import type { Profile } from '../../src/cli/profile-view.ts';

const point = (files: number) => ({
  files,
  columns: files * 10 + 1,
  rows: 100,
  values: (files * 10 + 1) * 100,
  realigned: 0,
});

test("the curve of a person's own command is told, and not kept", async (t) => {
  const said: string[] = [];
  t.mock.method(console, 'log', (line: string) => said.push(line));
  const own: Profile = {
    ...{ dir: 'd', engine: 'command', limitBytes: 2 ** 30, ended: null, whole: null },
    points: [1, 2, 3].map((files) => ({ ...point(files), peakBytes: 1e6 * files, wallMs: 1 })),
    line: { intercept: 0, slope: 1_000 },
  };
  await tellProfile(own, { json: true });
  assert.ok(said.some((line) => line.startsWith('not kept: the curve is of this command alone')));
  assert.equal((JSON.parse(said.at(-1)!) as { kept: unknown }).kept, null);
});
