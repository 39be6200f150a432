import { execFile } from 'node:child_process';
import { access, constants, copyFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Check } from '../bigquery/check.ts';
import { environment, machineLockPath } from '../config/environment.ts';
import { defaultHealth } from '../config/load.ts';
import { defaultMemoryBytes, machineMemoryBytes } from '../config/machine-memory.ts';
import { formatBytes } from '../config/units.ts';
import type { RunConfig } from '../payloads.ts';
import { checkHealth, judgeHealth } from '../guard/health.ts';
import { bestLifetime } from '../guard/lifetime.ts';
import { LockBusyError, LockUnusableError, takeLocks } from '../guard/lock.ts';
import { boundMemory } from '../guard/memory-means.ts';
import { MEMORY_SHARE } from '../config/rules.ts';
import { lackOfNode } from '../merge/node-version.ts';
import { cachedTemporalBinary } from '../server/ensure.ts';
import { shellWord } from './terminal.ts';

const OLDEST_PYTHON = 11;
/** Of a leaf that is made to see whether it can be, and removed at once. */
const PROBED_LIMIT_BYTES = 2 ** 30;
const DELEGATE = [
  'systemd-run --user --scope widemerge worker    # or deploy/widemerge-worker.service: a group of its own',
];
const LITTLE_TEMP_BYTES = 2 ** 30;

/** What could go wrong on this machine before the first run, each with its remedy. Without a configuration, what does not need one. */
export async function* machineChecks(config: RunConfig | null): AsyncGenerator<Check> {
  yield nodeCheck();
  yield memoryMeansCheck();
  yield lifetimeCheck();
  yield memoryLimitCheck(config);
  if (config !== null) {
    yield await folderCheck(
      'root',
      config.root,
      config.clean === 'keep' ? constants.R_OK : constants.R_OK | constants.W_OK,
    );
    yield await folderCheck('output', config.output, constants.R_OK | constants.W_OK);
    yield await cloneCheck(config);
  }
  yield* healthChecks(config);
  yield await tempCheck();
  yield lockCheck();
  yield await binaryCheck();
  yield await pythonCheck();
}

const check = (what: string, verdict: Check['verdict'], says: string, ...mend: string[]): Check => ({
  what,
  verdict,
  says,
  mend,
});

function nodeCheck(): Check {
  const lack = lackOfNode();
  return lack === null ? check('Node', 'ok', process.versions.node) : check('Node', 'FAIL', lack, 'make setup');
}

/** What bounds a merge's memory here, found out by making it; the guard names the same in its reports. */
function memoryMeansCheck(): Check {
  const { name, group } = boundMemory(PROBED_LIMIT_BYTES);
  group?.remove();
  const watched = 'a watcher over the process tree, and oom_score_adj';
  if (name === 'rlimit-data')
    return check('memory means', 'note', `rlimit-data (of each process by itself), ${watched}`, ...DELEGATE);
  if (name === null) return check('memory means', 'note', `no limit of the kernel, only ${watched}`, ...DELEGATE);
  return check('memory means', 'ok', `${name}, ${watched}`);
}

/** What ends a program of somebody else's where its guard is killed. */
function lifetimeCheck(): Check {
  const what = 'end of commands';
  const { name } = bestLifetime();
  if (name === 'pid-namespace') return check(what, 'ok', 'in a pid namespace: nothing outlives its guard');
  const says = `${name ?? 'no means'}: what a killed guard leaves behind is swept at the next start`;
  return check(what, 'note', says, 'apt install util-linux    # or allow user namespaces: see docs/guard.md');
}

function memoryLimitCheck(config: RunConfig | null): Check {
  const totalBytes = machineMemoryBytes();
  const limitBytes = config?.limits.memoryBytes ?? defaultMemoryBytes(totalBytes);
  const mostBytes = Math.floor(MEMORY_SHARE * totalBytes);
  const says = `a merge may take ${formatBytes(limitBytes)} of ${formatBytes(totalBytes)}`;
  if (limitBytes <= mostBytes) return check('memory limit', 'ok', says);
  const lowered = `in the configuration: limits: { memory: ${Math.floor(mostBytes / 2 ** 20)}MiB }`;
  return check('memory limit', 'note', `${says}: it is lowered to ${formatBytes(mostBytes)}`, lowered);
}

async function folderCheck(what: string, folder: string, mode: number): Promise<Check> {
  const info = await stat(folder).catch(() => null);
  if (info === null)
    return check(what, 'FAIL', `${folder} is missing, or its disk is not mounted`, `mkdir -p ${shellWord(folder)}`);
  if (!info.isDirectory())
    return check(what, 'FAIL', `${folder} is no folder: change \`${what}\` in the configuration`);
  const may = mode & constants.W_OK ? 'read and written' : 'read';
  const mend = `chmod u+rwx ${shellWord(folder)}    # or run as the user who owns it`;
  return access(folder, mode | constants.X_OK).then(
    () => check(what, 'ok', `${folder} can be ${may}`),
    () => check(what, 'FAIL', `${folder} cannot be ${may} by this user`, mend),
  );
}

/** Whether the outputs can share the bytes of the checkpoints: tried with a file of four kilobytes. */
async function cloneCheck({ root, output }: RunConfig): Promise<Check> {
  const what = 'clones';
  const name = `.widemerge-doctor-${process.pid}`;
  const [source, target] = [join(root, name), join(output, `${name}.clone`)];
  try {
    await writeFile(source, Buffer.alloc(4096, 1), { flag: 'wx' });
  } catch {
    return check(what, 'note', `could not be tried: no file can be made in ${root}`);
  }
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE_FORCE);
    return check(what, 'ok', 'the file system shares bytes of checkpoints with outputs: a merge takes no disk space');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return check(
      what,
      'note',
      `the bytes are copied (${code ?? String(error)}): XFS or btrfs, for root and output together, would share them`,
    );
  } finally {
    await rm(source, { force: true });
    await rm(target, { force: true });
  }
}

async function* healthChecks(config: RunConfig | null): AsyncGenerator<Check> {
  const request = {
    thresholds: config?.health ?? defaultHealth(),
    folder: config?.output ?? process.cwd(),
    ...{ neededDiskBytes: 0, machineLock: machineLockPath },
  };
  const report = await checkHealth(request).catch(() => null);
  // A folder that is missing has been told.
  if (report === null) return;
  for (const { what, healthy, says } of judgeHealth(report.figures, request))
    yield check(
      what,
      healthy ? 'ok' : 'FAIL',
      says,
      ...(healthy ? [] : ['runs wait until it has passed; thresholds: the section `health` of the configuration']),
    );
}

async function tempCheck(): Promise<Check> {
  const folder = tmpdir();
  const disk = await statfs(folder).catch(() => null);
  if (disk === null) return check('temporary files', 'FAIL', `${folder} cannot be used`, 'export TMPDIR=/var/tmp');
  const freeBytes = disk.bavail * disk.bsize;
  const says = `${formatBytes(freeBytes)} free in ${folder}`;
  return freeBytes < LITTLE_TEMP_BYTES
    ? check('temporary files', 'note', says, 'export TMPDIR=/var/tmp')
    : check('temporary files', 'ok', says);
}

function lockCheck(): Check {
  const what = "the machine's lock";
  try {
    takeLocks([machineLockPath]).close();
    return check(what, 'ok', `${machineLockPath} can be taken`);
  } catch (error) {
    if (error instanceof LockBusyError) return check(what, 'note', `a merge is on: ${error.message}`);
    if (!(error instanceof LockUnusableError)) throw error;
    return check(what, 'FAIL', error.message, 'export WIDEMERGE_LOCK_FILE=/path/that/all/users/share');
  }
}

async function binaryCheck(): Promise<Check> {
  const what = 'embedded server';
  const candidates = [
    environment.temporalBinary,
    ...environment.searchPath.map((folder) => join(folder, 'temporal')),
    cachedTemporalBinary(),
  ];
  for (const path of candidates)
    if (
      path !== undefined &&
      (await access(path, constants.X_OK).then(
        () => true,
        () => false,
      ))
    )
      return check(what, 'ok', path);
  return check(
    what,
    'note',
    'is not here yet: it is downloaded, or built by Go, when it is first wanted',
    'widemerge server --fetch-only',
  );
}

async function pythonCheck(): Promise<Check> {
  const wanted = `3.${OLDEST_PYTHON} or newer is for engines in Python, the demo of the fallback, and the tests; merges do without`;
  try {
    const { stdout } = await promisify(execFile)('python3', ['--version'], { timeout: 10_000 });
    const minor = Number(/^Python 3\.(\d+)/.exec(stdout)?.[1] ?? 0);
    return minor >= OLDEST_PYTHON
      ? check('Python', 'ok', stdout.trim())
      : check('Python', 'note', `${stdout.trim()}; ${wanted}`);
  } catch {
    return check('Python', 'note', `no python3; ${wanted}`);
  }
}
