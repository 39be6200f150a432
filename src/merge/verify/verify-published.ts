/**
 * Verification of an output that was published before: against its manifest, which goes with it wherever it is moved, and against its
 * checkpoints where they are still to be had. Writes nothing.
 */
import { join } from 'node:path';
import type { CheckpointFile } from '../discover.ts';
import { invalidCheckpoint, MergeFailure } from '../errors.ts';
import { readFingerprint } from '../fingerprint.ts';
import type { MergeJob, MergeMessage, PublishedCheck } from '../job.ts';
import type { Manifest } from '../manifest.ts';
import { planMerge } from '../plan-merge.ts';
import { requirePublished } from '../published.ts';
import { recheckOutput } from '../recheck.ts';
import type { VerifyRequest } from './request.ts';
import { verifyMerge } from './verify-merge.ts';

export interface PublishedCheckRequest {
  job: MergeJob;
  emit: (message: MergeMessage) => void;
  signal: AbortSignal | undefined;
}

/**
 * Reads past the page cache: first all that the manifest has a checksum of, then, with `job.recheckSources`, what `job.verify` compares
 * with the checkpoints in `job.source.dir`; when they were written does not matter there. Throws MergeFailure OutputMismatch (manifest
 * missing or of another file, or the output has changed), InputChanged (the output has not, so the checkpoints have), CheckpointInvalid,
 * and the signal's reason. Memory as that of a verification.
 */
export async function verifyPublished({ job, emit, signal }: PublishedCheckRequest): Promise<PublishedCheck> {
  const { path } = job.output;
  const manifest = await requirePublished(path, '');
  const files = manifest.sources.length;
  const progress: VerifyRequest['onProgress'] = (bytesDone, bytesTotal, filesDone, filesTotal) =>
    emit({ event: 'progress', step: 'recheck', filesDone, filesTotal, bytesDone, bytesTotal });
  const hasChecksums = manifest.columns.length > 0;
  let medium = hasChecksums
    ? await recheckOutput(path, manifest, {
        consequence: '',
        onBytes: (done, total) => progress(done, total, Math.floor((files * done) / Math.max(total, 1)), files),
        signal,
      })
    : null;
  const { rowCount: rows, columnCount: columns } = manifest;
  const found = { rows, columns, bytes: manifest.output.bytes, hasChecksums };
  if (job.recheckSources !== true) return { ...found, medium, sources: null };
  const plan = await planMerge(job, sourcesOf(manifest, job.source.dir));
  const mode = manifest.engine === 'stitch' && job.verify !== 'full' ? 'bytes' : 'full';
  try {
    ({ medium } = await verifyMerge({
      plan,
      outputPath: path,
      mode,
      engine: manifest.engine,
      memoryBytes: job.memoryBytes,
      onProgress: progress,
      ...(signal !== undefined && { signal }),
    }));
  } catch (error) {
    if (!hasChecksums || !(error instanceof MergeFailure) || error.facts.type !== 'OutputMismatch') throw error;
    const { message, facts } = error;
    throw new MergeFailure(
      'InputChanged',
      `${message}; the output is still what its manifest says: what lies in ${job.source.dir} is not what was merged`,
      { column: facts.column },
      { cause: error },
    );
  }
  return { ...found, medium, sources: { files, mode } };
}

/** The files of the manifest's names; others do not matter. */
function sourcesOf(manifest: Manifest, dir: string): CheckpointFile[] {
  return manifest.sources.map(({ name }) => {
    const path = join(dir, name);
    try {
      return { name, path, fingerprint: readFingerprint(path) };
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
      throw invalidCheckpoint(
        name,
        `cannot be read in ${dir} (${code}); verify without --sources, by the manifest alone`,
      );
    }
  });
}
