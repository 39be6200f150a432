import type { Prepared } from '../merge/job.ts';
import { cloudRequest } from './cloud-step.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { required, runStep } from './merge-step.ts';
import type { CloudTask } from './pair-task.ts';
import { typed } from './typed-failure.ts';

/** Makes the spine and the footers of what is sent to BigQuery; the data itself is not copied. */
export const prepareStaging =
  (dependencies: ActivityDependencies) =>
  (task: CloudTask): Promise<Prepared> =>
    typed(async () => {
      // Refused before any work is done for it.
      cloudRequest(task);
      const { prepared } = await runStep('prepare', { ...task, backend: 'bigquery' }, dependencies);
      return required(prepared, 'prepared staging');
    });
