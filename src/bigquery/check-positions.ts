import type { Query } from '@google-cloud/bigquery';
import { MergeFailure } from '../merge/errors.ts';
import { firstEpochOf, identityOf } from './cloud-session.ts';
import { queryNanos } from './costs.ts';
import { BigQueryError } from './error-reasons.ts';
import { MIB, MIN_BILLED_BYTES } from './limits.ts';
import { patiently } from './patiently.ts';
import type { ResultPlan } from './result-plan.ts';
import type { ResultSession } from './result-session.ts';
import { runJob, type JobBill } from './run-job.ts';
import { jobLabels } from './staging-tables.ts';

/** Of an INT64. */
const POSITION_BYTES = 8;
/** The rows of a query's answer are kept for a day: so often it is asked again. */
const ANSWERS = 3;

interface Counted {
  part: number;
  rows: number;
  lowest: number | null;
  highest: number | null;
  different: number;
}

export interface PositionsBill extends JobBill {
  nanos: number;
}

/**
 * Counts the positions of every data table: each from 0 on must be there once. That is one column of each, at the least that is
 * billed for a table. Throws MergeFailure OutputMismatch, BudgetRefused, BigQueryError.
 */
export async function checkPositions(session: ResultSession, plan: ResultPlan): Promise<PositionsBill> {
  const { request, staging, place, client, hooks, jobHooks, patience } = session;
  const { config } = request;
  const step = `check positions of ${plan.parts.length} parts`;
  const query: Query = {
    query: positionsQuery(session, plan),
    location: config.location,
    maximumBytesBilled: `${plan.parts.length * Math.max(MIN_BILLED_BYTES, Math.ceil((staging.rows * POSITION_BYTES) / MIB) * MIB)}`,
    labels: jobLabels(request, 'check positions'),
  };
  const line = (jobId: string, nanos: number) => ({ jobId, step, kind: 'scan' as const, nanos });
  const total = { bytesBilled: 0, slotMs: 0, nanos: 0 };
  const contents = plan.parts.map(({ data, content }) => [data, content]);
  const identity = identityOf(request, step, JSON.stringify([place.dataset, contents]));
  for (let answers = 1, firstEpoch = firstEpochOf(request); ; answers++) {
    const { id, epoch } = await runJob(
      client,
      { identity, firstEpoch, insert: (jobId) => client.createQueryJob({ ...query, jobId }) },
      {
        ...jobHooks,
        reserve: async (jobId) => {
          await hooks.purse.reserve(line(jobId, queryNanos(Number(query.maximumBytesBilled), config)));
        },
        settle: async (jobId, bill) => {
          const nanos = queryNanos(bill.bytesBilled, config);
          await hooks.purse.settle(line(jobId, nanos));
          total.bytesBilled += bill.bytesBilled;
          total.slotMs += bill.slotMs;
          total.nanos += nanos;
        },
      },
    );
    firstEpoch = epoch + 1;
    try {
      const job = client.job(id, { location: config.location });
      const [rows] = await patiently(`read the answer of ${step}`, patience, () => job.getQueryResults());
      refuseGaps(session, plan, rows as Counted[]);
      return total;
    } catch (error) {
      if (!(error instanceof BigQueryError && error.reason === 'notFound') || answers === ANSWERS) throw error;
    }
  }
}

function positionsQuery({ place }: ResultSession, { parts }: ResultPlan): string {
  return parts
    .map(
      ({ data }, index) =>
        `SELECT ${index} AS part, COUNT(*) AS \`rows\`, MIN(position) AS lowest, MAX(position) AS highest, ` +
        `COUNT(DISTINCT position) AS different FROM \`${place.project}.${place.dataset}.${data}\``,
    )
    .join('\nUNION ALL\n');
}

function refuseGaps({ staging, place }: ResultSession, { parts }: ResultPlan, counted: Counted[]): void {
  const { rows: wanted } = staging;
  for (const [index, { data }] of parts.entries()) {
    const { rows, lowest, highest, different } = counted.find(({ part }) => part === index) ?? {};
    const isRight =
      Number(rows) === wanted &&
      Number(different) === wanted &&
      (wanted === 0 || (Number(lowest) === 0 && Number(highest) === wanted - 1));
    if (isRight) continue;
    throw new MergeFailure(
      'OutputMismatch',
      `${place.project}.${place.dataset}.${data}: has ${rows ?? 'no'} rows with ${different ?? 'no'} positions from ${lowest ?? '?'} to ${highest ?? '?'}, and not each of ${wanted} once; remove it and retry the pair`,
    );
  }
}
