import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, suite, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import type { LedgerView, RaiseAnswer } from '../../src/budget/messages.ts';
import { budgetWorkflowId } from '../../src/contract.ts';
import { ensureTemporalBinary } from '../../src/server/ensure.ts';
import type { RunningServer } from '../../src/server/start.ts';
import { startServer } from '../../src/server/start.ts';
import { until } from '../workflows/support/temporal.ts';
import type { Cli } from './support.ts';
import { openCli } from './support.ts';

let server: RunningServer;
let cli: Cli;

suite('widemerge budget', { timeout: 120_000 }, () => {
  before(async () => {
    server = await startServer({ binary: await ensureTemporalBinary(console.error), dbFilename: null, uiPort: 0 });
    cli = await openCli({ TEMPORAL_ADDRESS: server.address });
    const worker = cli.start('worker');
    for await (const line of createInterface(worker.stdout)) if (/ serves /.test(line)) break;
    worker.stdout.resume();
    worker.stderr.resume();
    const config = ['name: t', 'root: s', 'output: m', "pairs: '*'", 'key: k', 'bigquery: { project: demo-project }'];
    await writeFile(join(cli.folder, 't.yaml'), config.join('\n'));
    await writeFile(join(cli.folder, 'local.yaml'), config.slice(0, -1).join('\n'));
  });
  after(async () => {
    await cli.close();
    await server.stop();
  });

  test('says what is wrong before it asks anybody', async () => {
    for (const [args, message] of [
      [['--raise', '50'], /whose budget\?/],
      [['demo-project', '--raise', '0'], /Give dollars above 0/],
      [['demo-project', '--raise', '1e3'], /Give dollars above 0/],
      [['demo-project', '--lower'], /go with --raise/],
      [['--release', 't-1'], /whose budget\?/],
      [['demo-project', '--release', 't-1', '--raise', '5'], /two commands/],
      [['demo project'], /neither the id of a Google Cloud project nor a YAML file/],
      [['local.yaml'], /names no project: set bigquery\.project/],
      [['no-such-project'], /has no budget on this server yet/],
    ] as const) {
      const run = await cli.run('budget', ...args);
      assert.equal(run.exitCode, 2, args.join(' '));
      assert.match(run.stderr, message);
    }
    assert.match((await cli.run('budget')).stdout, /^no budgets/);
  });

  test('raises the budget, and shows what was spent on what', async () => {
    const raised = await cli.run('budget', 't.yaml', '--raise', '12.50');
    assert.equal(raised.exitCode, 0, raised.stderr);
    assert.match(raised.stdout, /^the budget of project demo-project in \d{4}-\d\d is \$12\.50\n.*widemerge retry/);

    const connection = await Connection.connect({ address: server.address });
    const handle = new Client({ connection }).workflow.getHandle(budgetWorkflowId('demo-project'));
    const say = (message: string, pair: string, kind: string, dollars: number) => {
      const line = { jobId: `${pair}-${kind}`, run: 't-1', pair, step: 'merge', kind, nanos: dollars * 1e9 };
      return handle.executeUpdate(message, { args: [{ ...line, budget: { runNanos: 25e9, monthNanos: 25e9 } }] });
    };
    await say('reserve', 'EURUSD', 'scan', 3);
    await say('settle', 'EURUSD', 'scan', 2.5);
    await say('settle', 'EURUSD', 'egress', 1);
    await say('settle', 'GBPUSD', 'scan', 4);
    await say('reserve', 'GBPUSD', 'storage-read', 1);
    await say('reserve', 'GBPUSD', 'egress', 9);
    await connection.close();

    const { stdout } = await cli.run('budget', 'demo-project');
    assert.match(stdout, /^project demo-project in \d{4}-\d\d: spent \$7\.50, reserved \$1\.00 of \$12\.50 \(68 %\)$/m);
    assert.match(stdout, /^t-1 +\$25\.00 +\$7\.50 +\$1\.00$/m);
    assert.match(stdout, /^egress +\$1\.00$/m);
    assert.match(stdout, /^GBPUSD +\$4\.00\nEURUSD +\$3\.50$/m);
    assert.match(stdout, /^GBPUSD-storage-read +t-1 +GBPUSD +merge +storage-read +\$1\.00$/m);
    assert.match(stdout, /^2 jobs were paid that had no reservation/m);
    assert.match(
      stdout,
      /^refused: .* would take up to \$9\.00; raise it with: widemerge budget demo-project --raise AMOUNT$/m,
    );

    const ledger = (await cli.run('budget', 't.yaml', '--json')).json as LedgerView;
    assert.equal(ledger.months[0]!.spentNanos, 7.5e9);
    const listed = await until(async () => {
      const found = (await cli.run('budget', '--json')).json as LedgerView[];
      return found.length > 0 && found;
    });
    assert.deepEqual(listed, [ledger]);
  });

  test('lowers it only where that is meant, and one run alone where it is named', async () => {
    const lower = await cli.run('budget', 'demo-project', '--raise', '10');
    assert.equal(lower.exitCode, 2);
    assert.match(lower.stderr, /stays as it is: \$10\.00 is less than the present budget, \$12\.50.*--lower/);
    assert.equal((await cli.run('budget', 'demo-project', '--raise', '10', '--lower')).exitCode, 0);
    const run = await cli.run('budget', 'demo-project', '--raise', '30', '--run', 't-1', '--json');
    const { raised } = run.json as RaiseAnswer;
    assert.deepEqual(raised, [{ scope: 'run', name: 't-1', fromNanos: 25e9, toNanos: 30e9 }]);
  });

  test('frees what a run that was lost has left reserved, and nothing else', async () => {
    const none = await cli.run('budget', 'demo-project', '--release', 't-9');
    assert.equal(none.exitCode, 2);
    assert.match(none.stderr, /run t-9 has nothing reserved in project demo-project; these have: t-1/);
    const { stdout } = await cli.run('budget', 't.yaml', '--release', 't-1');
    assert.match(stdout, /^GBPUSD-storage-read +t-1 .*\$1\.00\n\$1\.00 that run t-1 had reserved are free again/m);
    const ledger = (await cli.run('budget', 't.yaml', '--json')).json as LedgerView;
    assert.deepEqual([ledger.open, ledger.months[0]!.reservedNanos, ledger.months[0]!.spentNanos], [[], 0, 7.5e9]);
  });
});
