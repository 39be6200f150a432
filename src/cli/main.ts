#!/usr/bin/env node
import { CommanderError } from 'commander';
import { EXIT, explainError } from './exit.ts';
import type { Failure } from './exit.ts';
import { createProgram } from './program.ts';

/** The command line: parses, runs one command, and is the one place that catches. */
const program = createProgram();
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  // --help and --version arrive here, too.
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
  const failure = error instanceof CommanderError ? usageFailure(error) : explainError(error);
  if (failure.text !== '') console.error(`widemerge: ${failure.text}`);
  if (process.argv.includes('--verbose') && error instanceof Error) console.error(withCauses(error));
  if (process.argv.includes('--json')) console.log(JSON.stringify(failure.facts));
  return failure.exitCode;
}

/** commander has printed its own message; for a group without its command that is the help alone. */
function usageFailure({ code, message }: CommanderError): Failure {
  const missing = code === 'commander.help' ? 'a command is missing: name one of those above' : '';
  const facts = { type: 'ConfigInvalid', message: missing || message.replace(/^error: /, '') };
  return { exitCode: EXIT.usage, text: missing, facts };
}

function withCauses(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${withCauses(error.cause)}` : own;
}
