import { FakeMachine } from './support/fake-machine.ts';
import { createActivities } from '../../src/activities/index.ts';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, bundleWorkflowCode } from '@temporalio/worker';
import { startRun } from '../../src/client/start-run.ts';
import { fileURLToPath } from 'node:url';
const kind = process.argv[2]; const n = Number(process.argv[3]);
const env = kind === 'java' ? await TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path: '/tmp/wf-exp/ts.sh' } } })
 : await TestWorkflowEnvironment.createLocal({ server: { executable: { type: 'existing-path', path: '/tmp/temporal-bin' } } });
const m = new FakeMachine();
const bundle = await bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL('./support/stub-workflows.ts', import.meta.url)) });
const w = await Worker.create({ connection: env.nativeConnection, taskQueue: 'widemerge', workflowBundle: bundle, activities: createActivities(m.dependencies(false)), maxCachedWorkflows: 50 });
const run = w.run();
const names = Array.from({length:n},(_, i)=>`P${i}`);
const t0=Date.now();
const r = await startRun(env.client, m.config('x', names), { tuning: { pairsPerRun: 250 } });
const res = await r.handle.result(); console.log(res.merged.length, 'ms', Date.now()-t0);
const d = await env.client.workflow.getHandle('widemerge/x').describe(); console.log(d.historyLength, d.historySize, d.runId !== r.runId, Object.keys(d.memo ?? {}));
w.shutdown(); await run; await env.teardown(); await m.remove();
