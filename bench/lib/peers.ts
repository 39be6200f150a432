/** What users would run instead: small scripts (bench/peers/), each in the environment of the engine or of the tests that pins its packages. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pythonEngine, type PythonEngine } from '../../src/backends/python-engines.ts';
import { pythonPath } from '../../test/support/python-env.ts';
import type { Contender } from './contender.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SCRIPTS = join(ROOT, 'bench');

type Environment = PythonEngine | 'tests';

const PEERS: { script: string; name: string; environment: Environment; spills?: true; trustsOrder?: true }[] = [
  { script: 'polars_eager', name: 'Polars, eager joins', environment: 'polars' },
  { script: 'polars_lazy', name: 'Polars, lazy joins', environment: 'polars' },
  { script: 'polars_sink', name: 'Polars, lazy joins, `sink_parquet`', environment: 'polars' },
  { script: 'polars_concat', name: 'Polars, horizontal concat', environment: 'polars', trustsOrder: true },
  { script: 'duckdb_joins', name: 'DuckDB, `LEFT JOIN`s', environment: 'tests', spills: true },
  {
    script: 'duckdb_positional',
    name: 'DuckDB, `POSITIONAL JOIN`',
    environment: 'tests',
    spills: true,
    trustsOrder: true,
  },
  { script: 'pandas_concat', name: 'pandas, `concat(axis=1)`', environment: 'pandas' },
  { script: 'dask_concat', name: 'Dask, `concat(axis=1)`', environment: 'dask', trustsOrder: true },
  { script: 'pyarrow_batches', name: 'pyarrow, batches', environment: 'pandas', trustsOrder: true },
];

export const PEER_IDS = PEERS.map(({ script }) => idOf(script));

/** The wanted ones, with their environments, which are made where they are missing. */
export async function peers(wanted: readonly string[]): Promise<Contender[]> {
  const chosen = PEERS.filter(({ script }) => wanted.includes(idOf(script)));
  const made: Contender[] = [];
  for (const { script, name, environment, spills = false, trustsOrder = false } of chosen) {
    const python = await pythonOf(environment);
    made.push({
      ...{ id: idOf(script), name, spills, trustsOrder, isParquet: true, takesLock: false, env: {} },
      argv: ({ sources, output, memoryBytes, spillBytes }) => [
        ...[python, ...PYTHON_FLAGS, join(SCRIPTS, 'peers', `${script}.py`)],
        ...[sources, output, `${memoryBytes}`, `${spillBytes}`],
      ],
    });
  }
  return made;
}

/** Neither the user's settings nor packages of his own; nothing is left in the checkout. */
export const PYTHON_FLAGS = ['-E', '-s', '-B'];

/** Its interpreter. */
export async function pythonOf(environment: Environment): Promise<string> {
  if (environment === 'tests') return await pythonPath();
  const { argv } = await pythonEngine(environment, { log: (line) => console.error(line) });
  return argv[0]!;
}

/** `polars 2.1.0` and so on, as the requirements pin them. */
export async function peerVersions(): Promise<string[]> {
  const places = ['engines/requirements-polars.txt', 'engines/requirements-dask.txt', 'test/support/requirements.txt'];
  const texts = await Promise.all(places.map((place) => readFile(join(ROOT, place), 'utf8')));
  const pins = texts.flatMap((text) => [...text.matchAll(/^(\w+)==(\S+)/gm)]);
  const versions = new Map(pins.map(([, name = '', version = '']) => [name, version]));
  return ['polars', 'duckdb', 'pandas', 'dask', 'pyarrow'].map((name) => `${name} ${versions.get(name) ?? '?'}`);
}

function idOf(script: string): string {
  return script.replaceAll('_', '-');
}
