import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The one reader of process.env. Values are read when they are asked for, so that a command fails only over what it
 * needs. Temporal's own TEMPORAL_* variables and profile file are read by @temporalio/envconfig in cli/connect.ts.
 */
export const environment = Object.freeze({
  /** WIDEMERGE_TEMPORAL_BINARY: the Temporal command line to use, and no other. */
  get temporalBinary(): string | undefined {
    return text('WIDEMERGE_TEMPORAL_BINARY');
  },
  /** XDG_CACHE_HOME, else ~/.cache. */
  get cacheDir(): string {
    return text('XDG_CACHE_HOME') ?? join(homeDir(), '.cache');
  },
  /** XDG_STATE_HOME, else ~/.local/state. */
  get stateDir(): string {
    return text('XDG_STATE_HOME') ?? join(homeDir(), '.local', 'state');
  },
  /** PATH as a list of folders. */
  get searchPath(): string[] {
    return (text('PATH') ?? '').split(':').filter((folder) => folder !== '');
  },
  /** False where NO_COLOR is set. */
  get color(): boolean {
    return text('NO_COLOR') === undefined;
  },
  /**
   * BIGQUERY_EMULATOR_HOST (`http://127.0.0.1:PORT`) and BIGQUERY_STORAGE_EMULATOR_HOST (`127.0.0.1:PORT`, gRPC without
   * TLS): an emulator instead of the service. @google-cloud/bigquery reads the former, too.
   */
  get bigqueryEmulator(): { restUrl: string | undefined; storageHost: string | undefined } {
    return {
      restUrl: urlOf(text('BIGQUERY_EMULATOR_HOST')),
      storageHost: text('BIGQUERY_STORAGE_EMULATOR_HOST'),
    };
  },
  /**
   * STORAGE_EMULATOR_HOST (`http://127.0.0.1:PORT`): an emulator of Cloud Storage, for `bigquery.bucket`. The official
   * client reads it, too. Not to be mistaken for Storage Read, above.
   */
  get bucketEmulatorUrl(): string | undefined {
    return urlOf(text('STORAGE_EMULATOR_HOST'));
  },
  /** HOME, else the account's. */
  get home(): string {
    return homeDir();
  },
});

/** WIDEMERGE_LOCK_FILE, else /tmp/widemerge.lock: the same file for every user of a machine, whatever their TMPDIR. */
export const machineLockPath: string = text('WIDEMERGE_LOCK_FILE') ?? '/tmp/widemerge.lock';

/** The environment of a child process: this one's, with `changes`, and without what begins with `without`. */
export function childEnvironment(changes: Record<string, string>, without?: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => without === undefined || !name.startsWith(without));
  return { ...Object.fromEntries(kept), ...changes };
}

function homeDir(): string {
  return text('HOME') ?? (homedir() || tmpdir());
}

/** Of a host, with its scheme or without. */
function urlOf(host: string | undefined): string | undefined {
  const url = host?.replace(/\/+$/, '');
  return url === undefined || url.includes('://') ? url : `http://${url}`;
}

function text(name: string): string | undefined {
  const value = process.env[name];
  return value === undefined || value === '' ? undefined : value;
}
