#!/usr/bin/env node
import { CommanderError } from 'commander';
import { EXIT, explainError } from './exit.ts';
import { createProgram } from './program.ts';

/** The command line: parses, runs one command, and is the one place that catches. */
const program = createProgram();
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  // commander has printed its own message; --help and --version arrive here, too, with exit code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const failure = explainError(error);
  if (process.argv.includes('--verbose') && error instanceof Error) console.error(withCauses(error));
  else console.error(`widemerge: ${failure.text}`);
  if (process.argv.includes('--json')) console.log(JSON.stringify(failure.facts));
  return failure.exitCode;
}

function withCauses(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${withCauses(error.cause)}` : own;
}
