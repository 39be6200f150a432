import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { stringify } from 'yaml';
import { keyNamesOf, keyOf, type MergeKey } from '../contract.ts';
import { UsageError } from './exit.ts';
import { columnsOf } from './parquet-columns.ts';
import { shellWord } from './terminal.ts';

export interface InitOptions {
  out: string;
  key?: string[];
}

interface PairFolder {
  pair: string;
  files: string[];
}

/** `widemerge init DIR`: looks at a folder of checkpoints and writes a commented configuration for it. */
export async function init(dir: string, options: InitOptions): Promise<void> {
  const target = resolve(options.out);
  if (await exists(target)) throw new UsageError(`${options.out} is there already; give another name with --out`);
  const { root, pairs } = await findPairs(resolve(dir));
  const key = keyOf(
    options.key === undefined ? [await findKey(root, pairs)] : await checkKey(root, pairs, options.key),
  );
  const output = join(dirname(root), `${basename(root)}-merged`);
  await writeFile(target, configText(target, root, output, pairs, key), { flag: 'wx' }).catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UsageError(`${options.out} cannot be written (${code ?? String(cause)})`, { cause });
  });
  // A merge makes no folder for its output: one that is missing may be a disk that is not mounted.
  await mkdir(output, { recursive: true }).catch((error: unknown) =>
    console.error(`make the folder of the merged files before you run it: ${output} (${String(error)})`),
  );
  const counts = new Set(pairs.map(({ files }) => files.length));
  console.log(
    `wrote ${options.out}: ${pairs.length} pair${pairs.length === 1 ? '' : 's'}, ${[...counts].join(' or ')} checkpoints each, key ${keyNamesOf(key).join(', ')}`,
  );
  console.log(`next: widemerge run ${shellWord(options.out)}`);
}

async function findPairs(dir: string): Promise<{ root: string; pairs: PairFolder[] }> {
  const own = await parquetFiles(dir);
  if (own === null) throw new UsageError(`${dir} is no folder that can be read`);
  if (own.length > 0) return { root: dirname(dir), pairs: [{ pair: basename(dir), files: own }] };
  const entries = await readdir(dir, { withFileTypes: true });
  const pairs: PairFolder[] = [];
  for (const { name } of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (name.startsWith('.')) continue;
    const files = await parquetFiles(join(dir, name));
    if (files !== null && files.length > 0) pairs.push({ pair: name, files });
  }
  if (pairs.length === 0) throw new UsageError(`no *.parquet files in ${dir} or in its folders`);
  return { root: dir, pairs };
}

async function parquetFiles(dir: string): Promise<string[] | null> {
  const names = await readdir(dir).catch(() => null);
  return names?.filter((name) => name.endsWith('.parquet') && !name.startsWith('.')).toSorted() ?? null;
}

/** The one column that the first checkpoints share. */
async function findKey(root: string, pairs: PairFolder[]): Promise<string> {
  const { pair, files } = pairs.find((candidate) => candidate.files.length > 1) ?? pairs[0]!;
  const lists = await Promise.all(files.slice(0, 3).map((file) => columnsOf(join(root, pair, file))));
  const shared = (lists[0] ?? []).filter((column) => lists.every((list) => list.includes(column)));
  if (lists.length > 1 && shared.length === 1) return shared[0]!;
  if (shared.includes('interval_time')) return 'interval_time';
  const what = lists.length === 1 || shared.length > 1 ? `one of ${shared.slice(0, 10).join(', ')}` : 'they share none';
  throw new UsageError(`which column do the checkpoints of ${pair} share? Say it with --key (${what})`);
}

async function checkKey(root: string, pairs: PairFolder[], key: string[]): Promise<string[]> {
  const { pair, files } = pairs[0]!;
  const path = join(root, pair, files[0]!);
  const columns = await columnsOf(path);
  const missing = key.find((name) => !columns.includes(name));
  if (missing === undefined) return key;
  throw new UsageError(`${path} has no column ${missing}; it has ${columns.slice(0, 10).join(', ')}`);
}

function configText(target: string, root: string, output: string, pairs: PairFolder[], key: MergeKey): string {
  const fromHere = (path: string): string => relative(dirname(target), path) || '.';
  const text = (value: unknown): string => stringify(value).trimEnd();
  const counts = new Map<number, string[]>();
  for (const { pair, files } of pairs) counts.set(files.length, [...(counts.get(files.length) ?? []), pair]);
  const same = counts.size === 1 ? [...counts.keys()][0]! : null;
  const differing = [...counts].map(
    ([count, names]) => `${count} (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', ...' : ''})`,
  );
  const expected =
    same === null
      ? `  # The pairs differ: ${differing.join('; ')}. Set a number to have the others set aside.\n  expected: null`
      : `  # A pair with fewer or more files is set aside, and named.\n  expected: ${same}`;
  return `# widemerge configuration. Paths are relative to this file.

# The run is the workflow widemerge/<name>.
name: ${text(runName(target))}

# One folder of checkpoints per pair: <root>/<PAIR>/*.parquet
root: ${text(fromHere(root))}
# One merged file per pair: <output>/<PAIR>.parquet
output: ${text(fromHere(output))}

# In this order. A pattern over the folders of root will do, too: "*"
pairs:
${pairs.map(({ pair }) => `  - ${text(pair)}`).join('\n')}

# The column that all checkpoints of a pair share, or a list of columns that tell the rows apart together: [symbol, time].
key: ${typeof key === 'string' ? text(key) : JSON.stringify(key)}

checkpoints:
  pattern: "*.parquet"
${expected}

# union: all keys. reference: those of one file. intersection: those that all files have.
rows: union

# What merges, in the order in which it is tried.
backends: [local, bigquery]

limits:
  # A merge is killed above 40GiB of memory, or 80 % of a smaller machine, unless it is set here.
  # memory: 8GiB
  timeout: 30m
  # Without progress for so long it is taken for a deadlock, and killed.
  stall: 10m

# A pair waits while the machine is short of these.
health:
  minFreeMemory: 1GiB
  maxSwapUsed: 50%
  minFreeDisk: 5GiB

# The first pair goes alone, and its peak of memory is measured. auto: the others wait for an approval where it does not fit;
# approve: in any case; off.
canary: auto

# bytes: checksums of the column chunks against their sources. full: every value. none.
verify: bytes

# What becomes of checkpoints whose merged file is verified and on disk: keep, trash or delete.
clean: keep

# An output of other checkpoints is left alone, and its pair set aside.
replace: false
`;
}

/** The name of the file as a name of a run. */
function runName(target: string): string {
  const plain = basename(target)
    .replace(/\.ya?ml$/, '')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
  return plain.slice(0, 100) || 'widemerge';
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
