/** Flips bits of checkpoints after they were merged and before the output is verified. */
import assert from 'node:assert/strict';
import { readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { mulberry32 } from '../../../src/emulator/faults.ts';
import { MergeFailure } from '../../../src/merge/errors.ts';
import { runSteps } from '../../../src/merge/steps.ts';
import { manifestPath, workspacePath } from '../../../src/merge/workspace.ts';
import { flipBit } from '../../support/flip-bit.ts';
import { mergeJob } from '../../support/parquet-by-sql.ts';
import { isRewritten, writePair } from './pair.ts';
import { drawFlips, placesOf, type Flip } from './places.ts';
import { Tally } from './tally.ts';

const silent = (): void => undefined;
const FOUND = ['InputChanged', 'OutputMismatch', 'CheckpointInvalid'];

/**
 * Of files whose chunks are taken over: every bit of the chunks. Of `n`, which is rewritten and is not compressed: bits of its values; where a
 * page has more room than values nobody could tell. Of any file with another time: every bit.
 */
async function drawIn(
  sources: string,
  times: 'kept' | 'new',
  count: number,
  seed: number,
): Promise<(Flip & { file: string })[]> {
  const random = mulberry32(seed);
  random();
  const files = times === 'kept' ? ['a', 'b', 'c', 'd', 'n'] : ['a', 'b', 'c', 'd', 'm', 'n'];
  const places = new Map(
    await Promise.all(
      files.map(async (name) => [name, await placesOf(join(sources, `${name}.parquet`), isRewritten)] as const),
    ),
  );
  const wanted = (kind: string): boolean =>
    times === 'new' || /^copied chunk/.test(kind) || kind === 'aligned part, plain values';
  return Array.from({ length: count }, (_, i) => {
    const file = files[i % files.length]!;
    const own = new Map([...places.get(file)!].filter(([kind]) => wanted(kind)));
    return { ...drawFlips(own, own.size, Math.floor(random() * 2 ** 31))[i % own.size]!, file: `${file}.parquet` };
  });
}

/** Nothing is published, nothing is deleted. With the times kept, only the bytes can tell. */
export async function flipSources(
  t: TestContext,
  { count, seed, folder }: { count: number; seed: number; folder?: string },
): Promise<Tally> {
  const { folder: root, sources } = await writePair(t, folder === undefined ? {} : { folder });
  const output = join(root, 'merged.parquet');
  const job = mergeJob(sources, output, { clean: 'delete' });
  await runSteps({ ...job, steps: ['discover', 'merge'] }, silent);
  const draftPath = join(workspacePath(output), 'draft.json');
  const draft = await readFile(draftPath);
  const tally = new Tally();
  for (const times of ['kept', 'new'] as const)
    for (const { file, kind, position, bit } of await drawIn(sources, times, Math.ceil(count / 2), seed)) {
      const path = join(sources, file);
      const before = await stat(path);
      await flipBit(path, position, bit);
      // Half a second later, whatever the file system's clock can tell apart.
      await utimes(path, before.atime, times === 'kept' ? before.mtime : new Date(before.mtimeMs + 500));
      const error: unknown = await runSteps({ ...job, steps: ['verify', 'publish'] }, silent).then(
        () => null,
        (reason: unknown) => reason,
      );
      const where = `${file}, ${kind}, byte ${position}, bit ${bit}`;
      if (error !== null) {
        assert.ok(error instanceof MergeFailure, `${where}: ${error instanceof Error ? error.stack : '?'}`);
        assert.ok(FOUND.includes(error.facts.type), `${where}: ${error.facts.type}: ${error.message}`);
        if (times === 'new') assert.equal(error.facts.type, 'InputChanged', where);
      }
      tally.add(
        `times ${times}, ${kind.replace(/^footer.*/, 'footer').replace('aligned part', 'file to be aligned')}`,
        error !== null,
      );
      await assert.rejects(runSteps({ ...job, steps: ['clean'] }, silent), { name: 'OutputMismatch' }, where);
      await assert.rejects(stat(output), { code: 'ENOENT' }, where);
      await assert.rejects(stat(manifestPath(output)), { code: 'ENOENT' }, where);
      await flipBit(path, position, bit);
      await utimes(path, before.atime, before.mtime);
      await writeFile(draftPath, draft);
    }
  return tally;
}
