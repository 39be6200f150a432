import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Check } from '../../src/bigquery/check.ts';
import { openCli, type Cli } from './support.ts';

let cli: Cli;

suite('widemerge doctor, of the machine', { timeout: 60_000 }, () => {
  before(async () => {
    cli = await openCli({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
    await mkdir(join(cli.folder, 'root'));
    const health = { minFreeMemory: '0B', maxSwapUsed: '100%', minFreeDisk: '0B' };
    const config = {
      name: 't',
      root: 'root',
      output: 'out',
      pairs: '*',
      key: 'k',
      health,
      limits: { memory: '900TiB' },
    };
    await writeFile(join(cli.folder, 'w.yaml'), JSON.stringify(config));
  });
  after(() => cli.close());

  const verdicts = async (): Promise<Map<string, Check>> => {
    const run = await cli.run('doctor', 'w.yaml', '--json');
    assert.equal(run.exitCode, 2, 'no server answers');
    return new Map((run.json as { checks: Check[] }).checks.map((own) => [own.what, own]));
  };

  test('what is missing is named with its remedy; once it is there it is well, and nothing is left behind', async () => {
    const before = await verdicts();
    assert.equal(before.get('output')?.verdict, 'FAIL');
    assert.match(before.get('output')?.mend[0] ?? '', /^mkdir -p .*out$/);
    assert.equal(before.get('Temporal server')?.verdict, 'FAIL');
    assert.match(before.get('memory limit')?.mend[0] ?? '', /limits: \{ memory: \d+MiB \}/);

    await mkdir(join(cli.folder, 'out'));
    const found = await verdicts();
    // Without a group of the kernel, or a namespace, it is a note and how to come to one.
    for (const what of ['memory means', 'end of commands']) {
      const { verdict, mend } = found.get(what)!;
      assert.ok(verdict === 'ok' || (verdict === 'note' && mend.length > 0), what);
    }
    for (const what of ['Node', 'root', 'output', 'memory', 'disk', 'clock', "the machine's lock"])
      assert.equal(found.get(what)?.verdict, 'ok', what);
    assert.ok(['ok', 'note'].includes(found.get('clones')!.verdict));
    assert.deepEqual([...(await readdir(join(cli.folder, 'root'))), ...(await readdir(join(cli.folder, 'out')))], []);
  });
});
