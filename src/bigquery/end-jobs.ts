/**
 * Ends the queries of a pair that leaves BigQuery, and books what they have cost: those that no attempt could end, since
 * it vanished with its worker. The budget's books name them, so nothing on disk is needed.
 */
import type { JobMetadata } from '@google-cloud/bigquery';
import { openSession, type CloudHooks } from './cloud-session.ts';
import { queryNanos } from './costs.ts';
import { patiently, pause, unlessMissing } from './patiently.ts';
import type { CloudRequest } from './staging-tables.ts';

export interface EndedJobs {
  ended: number;
  /** What they have cost. */
  nanos: number;
}

/** Idempotent. Throws BigQueryError and the signal's reason. */
export async function endJobs(request: CloudRequest, hooks: CloudHooks): Promise<EndedJobs> {
  const { client, patience } = openSession(request, hooks);
  const { location } = request.config;
  const lines = (await hooks.purse.open()).filter(({ kind }) => kind === 'scan');
  let sum = 0;
  for (const line of lines) {
    const job = client.job(line.jobId, { location });
    const look = async (): Promise<JobMetadata | null> => {
      const answer = await unlessMissing(`find ${line.step}`, patience, () => job.getMetadata());
      return answer === null ? null : (answer[0] as JobMetadata);
    };
    let metadata = await look();
    for (let looks = 0; metadata !== null && metadata.status?.state !== 'DONE'; looks++) {
      if (looks === 0) await patiently(`cancel ${line.step}`, patience, () => job.cancel());
      await pause(patience, looks);
      metadata = await look();
    }
    // One that is not there was never submitted.
    const bytesBilled = Number(metadata?.statistics?.query?.totalBytesBilled ?? 0);
    const nanos = queryNanos(bytesBilled, request.config);
    await hooks.purse.settle({ ...line, nanos });
    sum += nanos;
  }
  return { ended: lines.length, nanos: sum };
}
