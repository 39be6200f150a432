import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { HealthReport } from '../../src/guard/health.ts';
import { openCli, type Cli } from './support.ts';

let cli: Cli;

suite('widemerge health', { timeout: 60_000 }, () => {
  before(async () => {
    cli = await openCli();
  });
  after(() => cli.close());

  const configure = (health: object, output = '.') => {
    const config = { name: 't', root: 's', output, pairs: '*', key: 'k', health };
    return writeFile(join(cli.folder, 'w.yaml'), JSON.stringify(config));
  };
  const easy = { minFreeMemory: '0B', maxSwapUsed: '100%', minFreeDisk: '0B' };

  test('a line a figure, exit code 0; the own check, named relative to the file, turns it to 3', async () => {
    await writeFile(join(cli.folder, 'check.sh'), '#!/bin/sh\necho "fan $1 stands still"\nexit 1\n');
    await chmod(join(cli.folder, 'check.sh'), 0o755);
    await configure(easy);
    const well = await cli.run('health', 'w.yaml', '--json');
    assert.equal(well.exitCode, 0, well.stderr);
    assert.equal((well.json as HealthReport).healthy, true);
    assert.equal(well.stdout.match(/^ok /gm)?.length, 6);

    await configure({ ...easy, command: ['./check.sh', '2'], timeout: '20s' });
    const ill = await cli.run('health', 'w.yaml', '--json');
    assert.equal(ill.exitCode, 3);
    assert.match(ill.stdout, /^FAIL {2}health\.command: fan 2 stands still$/m);
    assert.deepEqual((ill.json as HealthReport).reasons, ['health.command: fan 2 stands still']);
  });

  test('what cannot be checked is wrong usage', async () => {
    await configure(easy, 'none');
    const { exitCode, stderr } = await cli.run('health', 'w.yaml');
    assert.equal(exitCode, 2);
    assert.match(stderr, /none, is missing: make it, or mount its disk/);
    await configure({ ...easy, command: 'check.sh', timeout: '1h' });
    const wrong = await cli.run('health', 'w.yaml');
    assert.equal(wrong.exitCode, 2);
    assert.match(wrong.stderr, /health\.command: "check\.sh"; expected a list of words/);
    assert.match(wrong.stderr, /health\.timeout: .*at most 45s/);
  });
});
