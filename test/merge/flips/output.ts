/** Flips bits of a written output before it is verified, and of a published one later, and looks whether each is found. */
import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { MergeFailure } from '../../../src/merge/errors.ts';
import type { MergeJob } from '../../../src/merge/job.ts';
import { runSteps } from '../../../src/merge/steps.ts';
import { manifestPath, workspacePath } from '../../../src/merge/workspace.ts';
import { flipBit } from '../../support/flip-bit.ts';
import { snapshot } from '../../support/merge-cli.ts';
import { mergeJob } from '../../support/parquet-by-sql.ts';
import { isRewritten, writePair } from './pair.ts';
import { drawFlips, placesOf, type Flip } from './places.ts';
import { Tally } from './tally.ts';

const silent = (): void => undefined;

export interface FlipRequest {
  count: number;
  seed: number;
  /** Of whose output nothing is known but that all of it matters; `stitch` by default. */
  engine?: 'duckdb';
}

async function drawIn(path: string, { count, seed, engine }: FlipRequest): Promise<Flip[]> {
  const { size } = await stat(path);
  const places =
    engine === undefined ? await placesOf(path, isRewritten) : new Map([['anywhere', [{ start: 0, length: size }]]]);
  return drawFlips(places, count, seed);
}

/** Rejects where the step does, with OutputMismatch; then the flip was found. */
async function isFound(job: MergeJob, steps: MergeJob['steps'], flip: Flip): Promise<boolean> {
  try {
    await runSteps({ ...job, steps }, silent);
    return false;
  } catch (error) {
    const where = `${flip.kind}, byte ${flip.position}, bit ${flip.bit}`;
    assert.ok(error instanceof MergeFailure, `${where}: ${error instanceof Error ? error.stack : String(error)}`);
    assert.equal(error.facts.type, 'OutputMismatch', `${where}: ${error.message}`);
    return true;
  }
}

/** Between stitch and verification: nothing is published, and a cleaning that comes all the same deletes nothing. */
export async function flipWritten(t: TestContext, request: FlipRequest): Promise<Tally> {
  const { folder, sources } = await writePair(t, { nested: request.engine === undefined });
  const output = join(folder, 'merged.parquet');
  const job = mergeJob(sources, output, { engine: request.engine ?? 'stitch', clean: 'delete' });
  await runSteps({ ...job, steps: ['discover', 'merge'] }, silent);
  const written = join(workspacePath(output), 'output.parquet');
  const draftPath = join(workspacePath(output), 'draft.json');
  const draft = await readFile(draftPath);
  const untouched = await snapshot(sources);
  const tally = new Tally();
  for (const flip of await drawIn(written, request)) {
    await flipBit(written, flip.position, flip.bit);
    tally.add(flip.kind, await isFound(job, ['verify', 'publish'], flip));
    // Whoever goes on regardless finds nothing to publish, and no copy for whose sake anything may be deleted.
    await assert.rejects(runSteps({ ...job, steps: ['publish'] }, silent), /the merge step comes first/);
    await assert.rejects(runSteps({ ...job, steps: ['clean'] }, silent), { name: 'OutputMismatch' });
    await assert.rejects(stat(output), { code: 'ENOENT' });
    await assert.rejects(stat(manifestPath(output)), { code: 'ENOENT' });
    await flipBit(written, flip.position, flip.bit);
    await writeFile(draftPath, draft);
  }
  assert.deepEqual(await snapshot(sources), untouched);
  // What was flipped back is right again: it was the flip that was found.
  await runSteps({ ...job, steps: ['verify', 'publish'] }, silent);
  return tally;
}

/** Long after: found by the manifest alone. */
export async function flipPublished(t: TestContext, request: FlipRequest): Promise<Tally> {
  const { folder, sources } = await writePair(t, { nested: request.engine === undefined });
  const output = join(folder, 'merged.parquet');
  const job = mergeJob(sources, output, { engine: request.engine ?? 'stitch' });
  await runSteps(job, silent);
  const tally = new Tally();
  for (const flip of await drawIn(output, request)) {
    await flipBit(output, flip.position, flip.bit);
    tally.add(flip.kind, await isFound(job, ['recheck'], flip));
    await flipBit(output, flip.position, flip.bit);
  }
  await runSteps({ ...job, steps: ['recheck'] }, silent);
  return tally;
}
