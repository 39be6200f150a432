import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** asm-generic/fcntl.h; Node has no name for it. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** A file in `dir` that never has a name, and is gone when it is closed. Throws the system's errors. */
export const openNameless = (dir: string, flags = 0): Promise<FileHandle> =>
  open(dir, O_TMPFILE | constants.O_RDWR | flags, 0o600);
