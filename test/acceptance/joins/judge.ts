/** Merges a scenario and compares the output with DuckDB's own join of the files as they are. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { keyOf } from '../../../src/contract.ts';
import { MergeFailure } from '../../../src/merge/errors.ts';
import { runSteps } from '../../../src/merge/steps.ts';
import { mergeJob } from '../../support/parquet-by-sql.ts';
import { KEY_KINDS, NOT_REWRITTEN } from './kinds.ts';
import { startRewriter, type Rewriter } from './rewriter.ts';
import type { Scenario } from './scenario.ts';
import { keyNames, sqlName, writeFiles, type Ask, type Written } from './write-files.ts';

export interface Judge extends AsyncDisposable {
  /** Throws an AssertionError where merge and join differ. Returns how the merge ended. */
  judge: (scenario: Scenario) => Promise<Verdict>;
}
export type Verdict = 'taken over' | 'new rows' | 'refused';

export async function openJudge(): Promise<Judge> {
  const rewriter = await startRewriter();
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const ask: Ask = async (sql) => (await connection.run(sql)).getRowsJson();
  await ask("SET TimeZone = 'UTC'");
  return {
    judge: async (scenario) => {
      const dir = await mkdtemp(join(tmpdir(), 'widemerge-joins-'));
      try {
        return await judge(scenario, dir, ask, rewriter);
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
    },
    [Symbol.asyncDispose]: async () => {
      connection.closeSync();
      instance.closeSync();
      await rewriter[Symbol.asyncDispose]();
    },
  };
}

async function judge(scenario: Scenario, dir: string, ask: Ask, rewriter: Rewriter): Promise<Verdict> {
  const files = await writeFiles(scenario, dir, ask, rewriter);
  const output = join(dir, 'merged.out');
  const failure = await merge(scenario, files, dir, output);
  if (failure !== null) {
    checkRefusal(failure, scenario, files, await joinedRows(scenario, files, ask));
    return 'refused';
  }
  assert.equal(scenario.fault, null, 'a fault was not noticed');
  return compare(scenario, files, output, ask);
}

async function merge(scenario: Scenario, files: Written[], dir: string, output: string): Promise<MergeFailure | null> {
  const { rows, engine, verify } = scenario;
  const reference = rows === 'reference' ? files[scenario.reference % files.length]!.name : null;
  try {
    await runSteps(
      mergeJob(dir, output, { key: keyOf(keyNames(scenario)), rows, reference, engine, verify }),
      () => undefined,
    );
    return null;
  } catch (error) {
    if (error instanceof MergeFailure) return error;
    throw error;
  }
}

/** Nothing is refused but for a reason, which is named. */
function checkRefusal({ message, facts }: MergeFailure, scenario: Scenario, files: Written[], joined: number): void {
  if (scenario.fault !== null) {
    const { name } = files[scenario.fault.file % files.length]!;
    assert.equal(facts.type, 'CheckpointInvalid');
    assert.match(
      message,
      scenario.fault.kind === 'null' ? /its key .* is null in row/ : /has the key .* more than once/,
    );
    assert.equal(facts.file, name);
  } else if (/^no key is common/.test(message)) assert.equal(joined, 0);
  else if (facts.type === 'EngineUnfit') assert.equal(scenario.engine, 'duckdb');
  else {
    assert.match(message, /cannot be rewritten without changing it/);
    assert.ok(
      files.find(({ name }) => name === facts.file)!.spec.columns.some((kind) => NOT_REWRITTEN.has(kind)),
      message,
    );
  }
}

async function compare(scenario: Scenario, files: Written[], output: string, ask: Ask): Promise<Verdict> {
  const keys = keyNames(scenario);
  const names = [...keys, ...files.flatMap(({ columns }) => columns)];
  const described = await ask(
    `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet('${output}'))`,
  );
  assert.deepEqual(
    described.map(([name]) => name),
    names,
  );
  const types: unknown[][] = [];
  for (const { path, columns } of files.filter((file) => file.columns.length > 0))
    types.push(
      ...(await ask(
        `SELECT column_name, column_type FROM (DESCRIBE SELECT ${columns.map(sqlName).join(', ')} FROM read_parquet('${path}'))`,
      )),
    );
  assert.deepEqual(described.slice(keys.length), types);

  const merged = selectComparable(scenario, output, names.slice(keys.length));
  const joined = joinQuery(scenario, files);
  const [[missing, surplus] = []] = await ask(
    `SELECT (SELECT count(*) FROM (${joined} EXCEPT ALL ${merged})), (SELECT count(*) FROM (${merged} EXCEPT ALL ${joined}))`,
  );
  assert.deepEqual([missing, surplus], ['0', '0'], 'rows of the join that are missing, and rows that it has not');
  return checkOrder(scenario, files, output, ask);
}

/** The rows are in the order of a file that has all of them, of the reference for one; else ascending. */
async function checkOrder(scenario: Scenario, files: Written[], output: string, ask: Ask): Promise<Verdict> {
  const sequenceOf = async (path: string, order = ''): Promise<string> =>
    JSON.stringify(await ask(`SELECT * FROM (${selectComparable(scenario, path, [])}) ${order}`));
  const own = await sequenceOf(output);
  const reference = files[scenario.reference % files.length]!;
  const candidates = scenario.rows === 'reference' ? [reference] : files;
  const rows = (await ask(`SELECT count(*) FROM read_parquet('${output}')`))[0]![0];
  let isNew = true;
  for (const { path } of candidates) {
    if ((await ask(`SELECT count(*) FROM read_parquet('${path}')`))[0]![0] !== rows) continue;
    isNew = false;
    if ((await sequenceOf(path)) === own) return 'taken over';
  }
  assert.ok(isNew, 'the rows are in the order of no file');
  assert.equal(own, await sequenceOf(output, 'ORDER BY ALL'));
  return 'new rows';
}

/** Keys as values that compare whatever a file stores them as, called k0, k1, ..., and some columns. */
function selectComparable(scenario: Scenario, path: string, columns: string[]): string {
  const names = keyNames(scenario);
  const keys = scenario.keys.map((kind, i) => `${KEY_KINDS[kind].comparable(sqlName(names[i]!))} AS k${i}`);
  return `SELECT ${[...keys, ...columns.map(sqlName)].join(', ')} FROM read_parquet('${path}')`;
}

/** FULL, LEFT or INNER: what the mode of rows means, in SQL. */
function joinQuery(scenario: Scenario, files: Written[]): string {
  const first = scenario.rows === 'reference' ? files[scenario.reference % files.length]! : files[0]!;
  const kind = { union: 'FULL', reference: 'LEFT', intersection: 'INNER' }[scenario.rows];
  const keys = scenario.keys.map((_, i) => `k${i}`).join(', ');
  const table = ({ path, columns }: Written): string => `(${selectComparable(scenario, path, columns)})`;
  const joins = files
    .filter((file) => file !== first)
    .map((file, i) => `${kind} JOIN ${table(file)} t${i + 1} USING (${keys})`);
  const columns = files.flatMap(({ columns: own }) => own.map(sqlName));
  return `SELECT ${[keys, ...columns].join(', ')} FROM ${table(first)} t0 ${joins.join(' ')}`;
}

async function joinedRows(scenario: Scenario, files: Written[], ask: Ask): Promise<number> {
  return Number((await ask(`SELECT count(*) FROM (${joinQuery(scenario, files)})`))[0]![0]);
}
