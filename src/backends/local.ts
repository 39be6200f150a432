import type { Backend } from './backend.ts';
import { processBackend } from './process-backend.ts';

/** The default: joins aligned column chunks without decoding them, in a few hundred MB. */
export const localBackend = (): Backend => processBackend('local', 'stitch');
