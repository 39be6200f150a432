/** The merge process with the local engines: see serve.ts. */
import { serve } from './serve.ts';

serve();
