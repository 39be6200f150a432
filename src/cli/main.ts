#!/usr/bin/env node
import { constants } from 'node:os';
import { CommanderError } from 'commander';
import { EXIT, explainError } from './exit.ts';
import type { Failure } from './exit.ts';
import { createProgram } from './program.ts';

/** Whoever reads has gone, as `head` does: the end, without a word. The code is what shells say of other programs then. */
const READER_GONE = 128 + constants.signals.SIGPIPE;
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(READER_GONE);
    throw error;
  });

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
  // A guarded command's standard output is the command's alone, and its --json may be the command's, too.
  const isGuard = process.argv[2] === 'guard';
  if (process.argv.includes('--json') && !isGuard) console.log(JSON.stringify(failure.facts));
  return failure.exitCode;
}

/** commander has printed its own message; for a group without its command that is the help alone. */
function usageFailure({ exitCode, code, message }: CommanderError): Failure {
  const missing = code === 'commander.help' ? 'a command is missing: name one of those above' : '';
  const facts = { type: 'ConfigInvalid', message: missing || message.replace(/^error: /, '') };
  // commander's own is 1; a command with codes of its own has set another.
  return { exitCode: exitCode === 1 ? EXIT.usage : exitCode, text: missing, facts };
}

function withCauses(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${withCauses(error.cause)}` : own;
}
