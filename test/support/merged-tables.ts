/** Stands for prepare, stage and query: the merged tables of a pair, made of Parquet files, and what tells of them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TableField } from '@google-cloud/bigquery';
import type { MergedPart } from '../../src/bigquery/merged-parts.ts';
import { stagingType } from '../../src/bigquery/types.ts';
import { listCheckpoints } from '../../src/merge/discover.ts';
import type { MergeJob } from '../../src/merge/job.ts';
import { PHYSICAL } from '../../src/merge/parquet/field-ids.ts';
import type { MergePlan } from '../../src/merge/plan.ts';
import { planMerge } from '../../src/merge/plan-merge.ts';
import { stagingFolder, stagingPath, type Staging } from '../../src/merge/staging.ts';
import { workspacePath } from '../../src/merge/workspace.ts';
import type { TestService } from './bigquery-service.ts';

/** Loads a Parquet file with `position`, `c0`, `c1`, ... as a table. */
export async function loadTable(
  service: TestService,
  table: string,
  path: string,
  fields: TableField[],
): Promise<void> {
  const { client, dataset, location } = service;
  const own = client.dataset(dataset, { location }).table(table);
  await own.create({ schema: { fields } });
  await own.load(path, { sourceFormat: 'PARQUET', location, schema: { fields } });
}

export const position: TableField = { name: 'position', type: 'INT64' };

const typeName = (physicalType: number): string =>
  Object.entries(PHYSICAL).find(([, number]) => number === physicalType)![0];

/** Fields of the tables of `parts`, as they must be for the plan's columns. */
export function fieldsOf(plan: MergePlan, { slices }: MergedPart): TableField[] {
  const columns = slices.flatMap(({ file, first, count }) =>
    plan.checkpoints[file]!.columns.slice(first, first + count),
  );
  return [
    position,
    ...columns.map(({ physicalType }, i) => ({ name: `c${i}`, type: stagingType(typeName(physicalType!))!.bigquery })),
  ];
}

export const planOf = async (job: MergeJob): Promise<MergePlan> => planMerge(job, await listCheckpoints(job));

/** Writes staging.json and merged-parts.json as if the pair had been staged and queried. */
export async function writeMerged(
  service: TestService,
  job: MergeJob,
  plan: MergePlan,
  parts: MergedPart[],
): Promise<string> {
  const workspace = workspacePath(job.output.path);
  await mkdir(stagingFolder(workspace), { recursive: true });
  const staging: Staging = {
    version: 1,
    planId: plan.id,
    rows: plan.spine.keys.values.length,
    rowGroupRows: plan.spine.rowGroupRows,
    key: { name: plan.keyNames[0]!, described: 'int64' },
    spine: { path: '', bytes: 0, content: 'spine', keyType: 'int64', keyBytes: 8 },
    checkpoints: plan.checkpoints.map(({ name, path, fingerprint, footer, columns }) => ({
      name,
      path,
      fingerprint,
      tail: { path: '', bytes: 0 },
      content: `content of ${name}`,
      rows: footer.rows,
      key: { type: 'int64', unsigned32: false, factor: '1' },
      columns: columns.map((column) => ({
        type: typeName(column.physicalType!),
        name: column.name,
        described: typeName(column.physicalType!),
        payloadBytes: column.physicalType === PHYSICAL.byteArray ? 20 : 0,
      })),
    })),
  };
  await writeFile(stagingPath(workspace), JSON.stringify(staging));
  const { project, location, dataset } = service;
  const merged = { version: 1, planId: plan.id, project, location, dataset, parts };
  await writeFile(join(stagingFolder(workspace), 'merged-parts.json'), JSON.stringify(merged));
  return workspace;
}
