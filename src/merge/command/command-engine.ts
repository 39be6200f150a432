/**
 * The engine that is a program of its own: it is told the plan by a file, and its output becomes an output like any other:
 * signed, verified by value, published.
 */
import { basename } from 'node:path';
import { rm } from 'node:fs/promises';
import type { EngineCommand } from '../../payloads.ts';
import type { EngineRequest, EngineResult } from '../engine.ts';
import { commandFolder } from '../workspace.ts';
import { failureOfCommand } from './ending.ts';
import { refuseChangedTypes } from './kept-types.ts';
import { writePlanFile } from './plan-file.ts';
import { runCommand } from './run-command.ts';
import { takeOver } from './take-over.ts';

/**
 * Throws MergeFailure: EngineUnfit for columns whose type the engine would change, BackendUnavailable,
 * MemoryExhausted, DiskFull or CommandFailed as the program ended, OutputMismatch where it left no Parquet file; also
 * EndedBySignal, and the signal's reason.
 */
export async function mergeByCommand(request: EngineRequest): Promise<EngineResult> {
  const { job, plan, workspace, outputPath, signal, onBytes } = request;
  const { command } = job;
  if (command === undefined) throw new Error(`the engine ${job.engine} was given no command`);
  refuseChangedTypes(plan, job.engine);
  try {
    const planPath = await writePlanFile({ plan, workspace, outputPath, memoryBytes: job.memoryBytes, signal });
    const ending = await runCommand({
      command: { ...command, argv: [...(command.under ?? []), ...withPaths(command, planPath, outputPath)] },
      signal,
      onProgress: ({ done, total }) => onBytes(done, total),
    });
    const failure = failureOfCommand(labelOf(job), ending);
    if (failure !== null) throw failure;
    const bytesOut = await takeOver(outputPath, plan.id, labelOf(job));
    return { bytesOut, bytesCloned: 0, bytesCopied: bytesOut };
  } finally {
    await rm(commandFolder(workspace), { recursive: true, force: true });
  }
}

const withPaths = ({ argv }: EngineCommand, plan: string, out: string): string[] =>
  argv.map((argument) => argument.replaceAll('{plan}', plan).replaceAll('{out}', out));

/** A person's own command by its own words, as far as they tell it from others. */
function labelOf({ engine, command }: EngineRequest['job']): string {
  if (engine !== 'command' || command === undefined) return engine;
  const words = command.argv.filter((word) => !/\{plan\}|\{out\}/.test(word)).map((word) => basename(word));
  return `the command ${words.slice(0, 2).join(' ')}`;
}
