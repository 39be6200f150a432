import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runMergeProcess } from '../../src/backends/merge-process.ts';
import { mergeJob } from '../support/parquet-by-sql.ts';
import { sha256 } from './witness.ts';

/** What each pair must become: the same files, with the same times, merged without any disturbance. */
export async function mergeUndisturbed(
  folder: string,
  checkpoints: string,
  names: string[],
): Promise<Map<string, string>> {
  const control = join(folder, 'control');
  await mkdir(control);
  const expected = new Map<string, string>();
  for (const name of names) {
    const dir = join(control, name);
    // Node's own copy cuts the times to milliseconds, and they are part of the merge's identity.
    await promisify(execFile)('cp', ['-a', join(checkpoints, name), dir]);
    const output = join(control, `${name}.parquet`);
    await runMergeProcess(mergeJob(dir, output, { key: 'interval_time' }), {
      limits: {
        memoryBytes: 2 ** 30,
        killAboveBytes: 2 ** 31,
        timeoutMs: 120_000,
        stallMs: 60_000,
        graceMs: 1_000,
      },
      machineLock: join(control, 'lock'),
    });
    expected.set(name, await sha256(output));
  }
  return expected;
}
