import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOfCommand, type CommandEnding } from '../../../src/merge/command/ending.ts';

const ended = (words: string, exitCode: number | null = 1, signal: NodeJS.Signals | null = null): CommandEnding => ({
  exitCode,
  signal,
  words,
});
const BUDGET = 'WARNING - Worker tcp://127.0.0.1:1 (pid=2) exceeded 95% memory budget. Restarting...\n';
const KILLED = 'distributed.scheduler.KilledWorker: Attempted to run task x on 1 different workers';

const CASES: [what: string, ending: CommandEnding, name: string, message: RegExp][] = [
  ['Python', ended('Traceback:\n  x\nMemoryError'), 'MemoryExhausted', /^it ran out of memory: MemoryError$/],
  [
    'NumPy',
    ended('numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8 GiB'),
    'MemoryExhausted',
    /Unable to allocate/,
  ],
  ['Arrow', ended('pyarrow.lib.ArrowMemoryError: realloc of size 64 failed\n\n'), 'MemoryExhausted', /realloc/],
  ['Polars', ended('memory allocation of 9 bytes failed\nstack', null, 'SIGABRT'), 'MemoryExhausted', /of 9 bytes/],
  [
    'Zstandard in Polars',
    ended(
      'polars.exceptions.ComputeError: parquet: Invalid parameter: zstd error: Allocation error : not enough memory',
      1,
    ),
    'MemoryExhausted',
    /not enough memory/,
  ],
  ['C++', ended('terminate called after throwing\n  what():  std::bad_alloc', 134), 'MemoryExhausted', /bad_alloc/],
  ['Node', ended('Error: ENOMEM: not enough memory, read'), 'MemoryExhausted', /ENOMEM/],
  ["Dask's nanny", ended(`${BUDGET}Traceback\n${KILLED}\nbye`), 'MemoryExhausted', /KilledWorker/],
  ['a worker that somebody else has killed', ended(KILLED), 'EndedBySignal', /SIGKILL/],
  ['a full disk', ended('OSError: [Errno 28] No space left on device'), 'DiskFull', /Errno 28/],
  [
    'memory that was only spoken of',
    ended('Cannot allocate memory for a cache\nValueError: no such column\n'),
    'CommandFailed',
    /^it failed \(exit code 1\): ValueError: no such column$/,
  ],
  ['silence', ended('', 7), 'CommandFailed', /exit code 7\): it said nothing/],
  ['a crash', ended('', null, 'SIGSEGV'), 'CommandFailed', /crashed \(SIGSEGV\)/],
  ["somebody's signal", ended('', null, 'SIGKILL'), 'EndedBySignal', /^it was ended by SIGKILL/],
  ["somebody's signal, by way of a shell", ended('', 137), 'EndedBySignal', /SIGKILL/],
];
for (const [what, ending, name, message] of CASES)
  test(`an ending by ${what}`, () => {
    const failure = failureOfCommand('it', ending);
    assert.equal(failure?.name, name);
    assert.match(failure.message, message);
  });

test('a good ending is none', () => assert.equal(failureOfCommand('it', ended('MemoryError', 0)), null));
