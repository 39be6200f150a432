/** Plays the scenarios on one server: a run each, with a fault in its first pair, and what must hold after it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startRun } from '../../../src/client/start-run.ts';
import type { FailureType } from '../../../src/contract.ts';
import type { RunConfig, RunResult } from '../../../src/payloads.ts';
import { Stage, until } from '../stage.ts';
import { mergeUndisturbed } from '../undisturbed.ts';
import { sha256 } from '../witness.ts';
import { OTHER, Round, VICTIM } from './round.ts';
import type { Scenario } from './scenarios.ts';
import { groupsOf, heldLocks, processesAt } from './traces.ts';

const PAIRS = [VICTIM, OTHER];
const run = promisify(execFile);

/** A set of checkpoints, and what a merge by `local` makes of each pair. */
interface Checkpoints {
  root: string;
  merged: Map<string, string>;
  files: string;
}

export class Scene implements AsyncDisposable {
  readonly stage: Stage;
  readonly #narrow: Checkpoints;
  readonly #wide: Checkpoints;
  #played = 0;

  private constructor(stage: Stage, narrow: Checkpoints, wide: Checkpoints) {
    this.stage = stage;
    this.#narrow = narrow;
    this.#wide = wide;
  }

  static async open(): Promise<Scene> {
    const stage = await Stage.open();
    const narrow = join(stage.folder, 'checkpoints');
    const wide = join(stage.folder, 'wide');
    await sample(
      stage,
      narrow,
      PAIRS.join(),
      '--files',
      '3',
      '--columns',
      '10',
      '--rows',
      '6000',
      '--misaligned',
      '50',
    );
    await sample(stage, wide, VICTIM, '--files', '40', '--columns', '12', '--rows', '20000');
    await run('cp', ['-a', join(narrow, OTHER), wide]);
    const scene = new Scene(stage, await readCheckpoints(narrow), await readCheckpoints(wide));
    await stage.worker.start();
    return scene;
  }

  /** One round; throws where anything is not as the table says. */
  async play(scenario: Scenario): Promise<void> {
    const { stage } = this;
    await using round = new Round(stage, `${scenario.name}-${++this.#played}`);
    const checkpoints = scenario.wide ? this.#wide : this.#narrow;
    const usual = stage.config();
    const config: RunConfig = {
      ...{ ...usual, pairs: PAIRS, root: checkpoints.root, backends: scenario.backends },
      limits: { ...usual.limits, ...scenario.limits },
      ...(await round.prepare(scenario.engine, scenario.disk ?? null)),
      ...scenario.config?.(round),
    };
    if (config.root !== checkpoints.root) await run('cp', ['-a', checkpoints.root, config.root]);
    const during = (await scenario.before?.(round, config)) ?? scenario.during;
    const { handle } = await startRun(stage.client, config, {
      tuning: { waitFirstMs: 200, waitMaxMs: 1_000, heartbeatTimeoutMs: 4_000 },
    });
    try {
      await during?.(round);
      const result = await handle.result();
      await assertAnswered(scenario, round, result);
      await assertOutputs(round, result, checkpoints);
      if (config.clean === 'keep')
        assert.equal(await fingerprint(config.root), checkpoints.files, 'no input was touched');
      else assert.deepEqual(await readdir(config.root, { recursive: true }), PAIRS, 'what is merged is cleaned');
      await this.#assertNothingLeft(round);
    } catch (error) {
      await handle.terminate('this round has failed').catch(() => undefined);
      throw error;
    }
  }

  async #assertNothingLeft(round: Round): Promise<void> {
    const { stage } = this;
    const known = [process.pid, stage.serverPid, stage.worker.pid!];
    await until('no process is left', () => processesAt(stage.folder, known).length === 0, 10_000);
    await until('no control group is left', () => groupsOf(round.workers).length === 0, 10_000);
    assert.deepEqual(await heldLocks(join(stage.folder, 'machine.lock'), round.output), [], 'no lock is held');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stage[Symbol.asyncDispose]();
  }
}

/** The victim's failures, where it went, and that the other pair did not notice. */
async function assertAnswered({ expected }: Scenario, round: Round, result: RunResult): Promise<void> {
  const failures = await round.failures();
  const told = failures.map(({ type, message }) => `${type}: ${message}`).join('\n');
  assert.deepEqual(distinct(failures.map(({ type }) => type)), expected.failures, told);
  if (expected.says) assert.match(failures.at(-1)!.message, expected.says);
  if (expected.evidence) assert.match(failures.at(-1)!.evidence?.join('\n') ?? '', expected.evidence);
  for (const { type, peakBytes, message } of failures)
    if (type === 'MemoryExhausted') assert.ok(peakBytes! > 50 * 2 ** 20, `its peak is known: ${message}`);
  const { state, backend, failure } = await round.victim();
  assert.deepEqual({ state, backend }, { state: expected.state, backend: expected.backend }, told);
  assert.equal(failure, expected.state === 'merged' ? null : expected.failures.at(-1));
  assert.deepEqual(result.merged, expected.state === 'merged' ? PAIRS : [OTHER]);
}

/** Each merged pair is there, whole, published once; of a pair that was set aside there is nothing but its workspace. */
async function assertOutputs(round: Round, { merged }: RunResult, checkpoints: Checkpoints): Promise<void> {
  const names = (await readdir(round.output)).filter((name) => !/\.(stalled\.txt|cleaned\.json)$/.test(name));
  const aside = PAIRS.filter((pair) => !merged.includes(pair)).map((pair) => `.${pair}.parquet.widemerge`);
  const whole = merged.flatMap((pair) => [`${pair}.parquet`, `${pair}.parquet.manifest.json`]);
  assert.deepEqual(names.toSorted(), [...aside, ...whole].toSorted());
  for (const pair of merged) {
    assert.equal(await round.publications(pair), 1, `${pair} was published once`);
    // What other engines write differs, and was verified by its values.
    if ((await round.progress(pair)).backend === 'local')
      assert.equal(await sha256(join(round.output, `${pair}.parquet`)), checkpoints.merged.get(pair), pair);
  }
}

function distinct(types: FailureType[]): FailureType[] {
  return types.filter((type, index) => type !== types[index - 1]);
}

async function sample(stage: Stage, folder: string, pairs: string, ...more: string[]): Promise<void> {
  const made = await stage.widemerge('sample', '--out', folder, '--pairs', pairs, ...more);
  assert.equal(made.code, 0, made.stderr);
}

async function readCheckpoints(root: string): Promise<Checkpoints> {
  const folder = `${root}-undisturbed`;
  await mkdir(folder);
  const merged = await mergeUndisturbed(folder, root, PAIRS);
  await rm(folder, { recursive: true });
  return { root, merged, files: await fingerprint(root) };
}

/** Names, sizes and times of all files below a folder. */
async function fingerprint(folder: string): Promise<string> {
  const names = (await readdir(folder, { recursive: true })).toSorted();
  const lines = names.map(async (name) => {
    const { size, mtimeMs } = await stat(join(folder, name));
    return `${name} ${size} ${mtimeMs}`;
  });
  return (await Promise.all(lines)).join('\n');
}
