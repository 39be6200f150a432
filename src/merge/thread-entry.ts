import { extname } from 'node:path';

/** The script of a crew's threads: from this folder, in the sources as in the build, and from the build's folder of chunks. */
export const THREAD_ENTRY = new URL(`../merge/thread${extname(import.meta.url)}`, import.meta.url);
