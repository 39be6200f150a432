/** Files of this package: from this folder, in the sources as in the build, and from the build's folder of chunks. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A configuration that comes with the package. */
export const packagedConfig = (name: string): string => fileURLToPath(new URL(`../../config/${name}`, import.meta.url));

/** The script of the command line. */
export const CLI_ENTRY = fileURLToPath(new URL(`../cli/main${extname(import.meta.url)}`, import.meta.url));
