/** The few Linux system calls that Node does not offer, through koffi. */
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');
const ioctlPointer = libc.func('int ioctl(int fd, unsigned long request, void *argument)') as (
  fd: number,
  request: number,
  argument: Uint8Array,
) => number;
const copyFileRangeRaw = libc.func(
  'intptr_t copy_file_range(int in, int64_t *inOffset, int out, int64_t *outOffset, size_t length, unsigned int flags)',
) as (
  input: number,
  inputOffset: BigInt64Array,
  output: number,
  outputOffset: BigInt64Array,
  length: number,
  flags: number,
) => number;

const prctl = libc.func('int prctl(int option, unsigned long argument)') as (
  option: number,
  argument: number,
) => number;

/** linux/prctl.h */
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/**
 * Has the kernel kill this process when the thread that started it ends: Node starts processes from its main thread,
 * which lives as long as the parent. Works on a process that hangs or is stopped, too. A parent that was gone before
 * this call is noticed by the end of standard input.
 */
export function dieWithParent(): void {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/** linux/fs.h: _IOW(0x94, 13, struct file_clone_range). */
const FICLONERANGE = 0x4020940d;

/** A system call failed; `code` is the name of its errno, as in Node's own errors. */
export class SystemCallError extends Error {
  readonly code: string;
  constructor(call: string, code: string) {
    super(`${call}: ${code}`);
    this.code = code;
  }
}

const names = new Map(Object.entries(koffi.os.errno).map(([name, value]) => [value, name]));
const errnoName = (): string => names.get(koffi.errno()) ?? `errno ${koffi.errno()}`;

/** Throws SystemCallError, in which the request goes by `name`. */
export function ioctl(fd: number, name: string, request: number, argument: Uint8Array): void {
  if (ioctlPointer(fd, request, argument) !== 0) throw new SystemCallError(name, errnoName());
}

/** Lets `output` share the blocks of `input`; offsets and length are multiples of the block, or end at the end of file. */
export function cloneRange(
  input: number,
  inputOffset: number,
  output: number,
  outputOffset: number,
  length: number,
): void {
  const argument = Buffer.alloc(32);
  argument.writeBigInt64LE(BigInt(input), 0);
  argument.writeBigUInt64LE(BigInt(inputOffset), 8);
  argument.writeBigUInt64LE(BigInt(length), 16);
  argument.writeBigUInt64LE(BigInt(outputOffset), 24);
  ioctl(output, 'FICLONERANGE', FICLONERANGE, argument);
}

/** Copies inside the kernel; may copy less than asked for. Returns the bytes copied, 0 at the end of `input`. */
export function copyFileRange(
  input: number,
  inputOffset: number,
  output: number,
  outputOffset: number,
  length: number,
): number {
  const copied = copyFileRangeRaw(
    input,
    BigInt64Array.of(BigInt(inputOffset)),
    output,
    BigInt64Array.of(BigInt(outputOffset)),
    length,
    0,
  );
  if (copied < 0) throw new SystemCallError('copy_file_range', errnoName());
  return copied;
}
