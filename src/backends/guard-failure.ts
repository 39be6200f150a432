import type { FailureType } from '../contract.ts';
import type { GuardReport } from '../guard/command.ts';
import { MergeError } from './backend.ts';
import type { Conversation } from './conversation.ts';

/** A process sends these to itself, by a fault of its own. */
const OWN_FAULTS = new Set(['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGSYS']);
/** The last words of V8, of C++ code that nobody catches, of Node and of the system, when memory cannot be had. */
const OUT_OF_MEMORY =
  /JavaScript heap out of memory|std::bad_alloc|Array buffer allocation failed|Cannot allocate memory|\bENOMEM\b/;

/**
 * The failure of a guarded merge process, or null where it ended well and said something. The guard's own verdict comes
 * first, then what the process said itself, then the way it ended.
 */
export function failureOf(report: GuardReport, conversation: Conversation): MergeError | null {
  const { outcome, peakBytes } = report;
  const reason = report.reason ?? outcome;
  if (outcome === 'memory-exhausted') return error('MemoryExhausted', `the merge ran out of memory: ${reason}`, report);
  if (outcome === 'timed-out') return error('MergeTimedOut', `the merge was ended: ${reason}`, report);
  if (outcome === 'stalled') return error('MergeStalled', `the merge was ended: ${reason}`, report);
  if (conversation.failure !== null) {
    return new MergeError(
      { ...conversation.failure, peakBytes: Math.max(conversation.failure.peakBytes ?? 0, peakBytes) },
      causedBy(report),
    );
  }
  if (outcome === 'killed') {
    if (!OWN_FAULTS.has(report.signal ?? '')) return error('Killed', `the merge process was ${reason}`, report);
    if (OUT_OF_MEMORY.test(report.stderrTail))
      return error('MemoryExhausted', `the merge ran out of memory: ${lastWords(report)}`, report);
    return error('CommandFailed', `the merge process crashed (${report.signal ?? ''}): ${lastWords(report)}`, report);
  }
  if (outcome === 'failed') {
    // Thrown where nobody catches it. Of this one line only: the rest of the tail may speak of anything.
    if (OUT_OF_MEMORY.test(lastWords(report)))
      return error('MemoryExhausted', `the merge ran out of memory: ${lastWords(report)}`, report);
    // No evidence of memory, but worth knowing.
    const nearLimit = report.reason === null ? '' : `; ${report.reason}`;
    return error(
      'CommandFailed',
      `the merge process failed (exit code ${report.exitCode ?? 'unknown'}): ${lastWords(report)}${nearLimit}`,
      report,
    );
  }
  if (!conversation.hasResult) {
    return error('CommandFailed', `the merge process ended well but without a result: ${lastWords(report)}`, report);
  }
  return null;
}

function error(type: FailureType, message: string, report: GuardReport): MergeError {
  const { peakBytes, evidence } = report;
  // The UI shows them in this order, and the message once more above them.
  return new MergeError({ type, ...(evidence && { evidence }), message, peakBytes }, causedBy(report));
}

/** All of standard error's tail travels as the cause; with a stack, which repeats the message, it would travel twice. */
function causedBy({ stderrTail }: GuardReport): ErrorOptions {
  if (stderrTail === '') return {};
  const cause = new Error(stderrTail);
  delete cause.stack;
  return { cause };
}

/** The one line that says most: an error's own, else the last one. */
function lastWords({ stderrTail }: GuardReport): string {
  const lines = stderrTail.split('\n').filter((line) => line.trim() !== '');
  const telling = lines.findLast((line) => /^\s*(\[?\w*(Error|Exception)\b|FATAL ERROR|terminate called)/.test(line));
  return (telling ?? lines.at(-1) ?? 'it said nothing').trim().slice(0, 500);
}
