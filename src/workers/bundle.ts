/** `node bundle.js FILE`: writes the workflows as one bundle, for `workflowCode()` to find it beside the workers. */
import { writeFile } from 'node:fs/promises';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { workflowsPath } from './workflow-code.ts';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: node bundle.js FILE');
const { code } = await bundleWorkflowCode({ workflowsPath: workflowsPath(), logger: new DefaultLogger('WARN') });
await writeFile(file, code);
