/** What is started by its file: from this folder, in the sources as in the build, and from the build's folder of chunks. */
const entry = (name: string): URL =>
  new URL(`../merge/${name}.${import.meta.url.endsWith('.ts') ? 'ts' : 'cjs'}`, import.meta.url);

/** The script of the merge process. */
export const PROCESS_ENTRY = entry('process');

/** The script of a crew's threads. */
export const THREAD_ENTRY = entry('thread');
