/** The draft of the manifest, in the workspace: what one step of a merge leaves for the next, which may run in another process. */
import { keyOf } from '../contract.ts';
import type { MergeFigures } from '../payloads.ts';
import { MergeFailure } from './errors.ts';
import type { MergeJob } from './job.ts';
import { readManifest, type Manifest } from './manifest.ts';
import type { MergePlan } from './plan.ts';
import { VERSION } from './version.ts';
import type { Written } from './written.ts';

export function draftManifest(job: MergeJob, plan: MergePlan, figures: MergeFigures, written: Written): Manifest {
  return {
    version: 1,
    id: plan.id,
    createdAt: new Date().toISOString(),
    createdBy: `widemerge ${VERSION}`,
    engine: job.engine,
    key: keyOf(plan.keyNames),
    rows: plan.rows,
    reference: job.rows === 'reference' ? job.reference : null,
    rowGroupRows: job.rowGroupRows ?? null,
    rowCount: figures.rows,
    columnCount: figures.columns,
    rowGroups: plan.spine.rowGroupRows,
    output: { name: job.output.path, bytes: figures.bytesOut, footerCrc32: null, indexCrc32: null },
    sources: plan.checkpoints.map(({ name, path, fingerprint, columns }, i) => ({
      name,
      path,
      fingerprint,
      aligned: plan.aligned[i]!,
      columns: columns.length,
      crc32: null,
    })),
    columns: [],
    verification: null,
    ...(job.verify !== 'none' && { written }),
    figures,
  };
}

export async function readDraft(path: string): Promise<Manifest> {
  const draft = await readManifest(path);
  if (draft === null) throw draftMissing(path);
  return draft;
}

export const draftMissing = (path: string): Error => new Error(`${path}: is missing; the merge step comes first`);

/** The checkpoints, or the options, are not those of the draft any more. */
export function addedSince({ sources }: Manifest, plan: MergePlan): MergeFailure {
  const known = new Set(sources.map(({ name }) => name));
  const added = plan.checkpoints.find(({ name }) => !known.has(name))?.name;
  return new MergeFailure('InputChanged', `${added ?? 'the options'}: came since the others were merged; merge again`, {
    file: added,
  });
}
