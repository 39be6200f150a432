import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The Temporal CLI that is downloaded or built; Server 1.29.1 with Web UI 2.42.1 inside. */
export const CLI_VERSION = '1.5.1';

/** Below this the development server lacks what the pipeline's schedules and updates need. */
const OLDEST_SERVER = [1, 26] as const;

/** What the binary says of its server, e.g. `1.29.1`; throws where it is no Temporal command line with a usable server. */
export async function checkTemporalBinary(binary: string): Promise<string> {
  const { stdout } = await run(binary, ['--version'], { timeout: 20_000 });
  const version = /\(Server (\d+)\.(\d+)\.\d+[^,)]*/.exec(stdout);
  if (version === null)
    throw new Error(`${binary} is no Temporal command line (it says: ${stdout.trim().slice(0, 80)})`);
  const [major, minor] = [Number(version[1]), Number(version[2])];
  if (major < OLDEST_SERVER[0] || (major === OLDEST_SERVER[0] && minor < OLDEST_SERVER[1]))
    throw new Error(`${binary} has Server ${major}.${minor}, older than ${OLDEST_SERVER.join('.')}`);
  return version[0].slice('(Server '.length);
}
