/** Makes the emulator's Python where it is not there yet, and says what it does. */
import { ensureEmulatorPython } from './python.ts';

await ensureEmulatorPython(console.log);
