/** The script of a crew's threads: from this folder, in the sources as in the build, and from the build's folder of chunks. */
export const THREAD_ENTRY = new URL(
  `../merge/thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'cjs'}`,
  import.meta.url,
);
