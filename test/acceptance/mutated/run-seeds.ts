/**
 * Merges many mutated files in a process of its own, which may crash, hang or eat memory: then it is ended, the seed that did it
 * is named, and the next ones go on in another process.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { writeBases } from './bases.ts';
import type { Verdict } from './judge.ts';

const WORKER = join(import.meta.dirname, '..', '..', 'fixtures', 'merges-mutated.ts');
/** Of one merge of files of a few KB. */
const HANG_MS = 20_000;
const MOST_BYTES = 512 * 1024 ** 2;
const LOOK_MS = 200;

interface Step {
  seed: number;
  name: string;
  doing?: 'merge' | 'judge';
  verify?: string;
  verdict?: Verdict['verdict'];
  why?: string;
  wallMs?: number;
  peakBytes?: number;
}

export interface Report {
  seeds: number;
  /** By way of verification and verdict. */
  verdicts: Record<string, number>;
  /** Seeds, what was done to which file, and what came of it. */
  defects: string[];
  /** DuckDB itself died while it read the mutated file or the output. */
  oracleDied: string[];
  slowestMs: number;
  peakBytes: number;
}

/** The same seeds give the same files, as long as DuckDB writes the bases as it does. */
export async function runSeeds(seeds: number[], log: (line: string) => void): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'widemerge-mutated-'));
  const report: Report = { seeds: 0, verdicts: {}, defects: [], oracleDied: [], slowestMs: 0, peakBytes: 0 };
  try {
    const bases = await writeBases(folder);
    const described = bases.map(({ name, dir, rows }) => ({ name, dir, rows }));
    await writeFile(join(folder, 'bases.json'), JSON.stringify(described));
    for (let rest = seeds; rest.length > 0;) {
      const { step, end } = await runWorker(folder, rest, (own) => note(report, own));
      if (end === null) break;
      const seed = step?.seed ?? rest[0]!;
      const line = `seed ${seed} (${step?.name ?? 'at its start'}): ${end} while it was to ${step?.doing ?? 'begin'}`;
      log(line);
      (step?.doing === 'judge' ? report.oracleDied : report.defects).push(line);
      rest = rest.slice(rest.indexOf(seed) + 1);
    }
    return report;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function note(report: Report, { seed, name, verify, verdict, why, wallMs, peakBytes }: Step): void {
  if (verdict === undefined) return;
  if (verify === 'bytes') report.seeds++;
  const kind = `${verify ?? ''}: ${verdict}`;
  report.verdicts[kind] = (report.verdicts[kind] ?? 0) + 1;
  report.slowestMs = Math.max(report.slowestMs, wallMs ?? 0);
  report.peakBytes = Math.max(report.peakBytes, peakBytes ?? 0);
  if (verdict === 'defect') report.defects.push(`seed ${seed} (${name}), verified by ${verify ?? '?'}: ${why ?? ''}`);
  if ((peakBytes ?? 0) > MOST_BYTES) report.defects.push(`seed ${seed} (${name}): took ${peakBytes ?? 0} bytes`);
}

/** `end`: what the worker died of, at which step; null where it came to its end. */
async function runWorker(
  folder: string,
  seeds: number[],
  onStep: (step: Step) => void,
): Promise<{ step: Step | null; end: string | null }> {
  const child = spawn(process.execPath, [WORKER, folder, ...seeds.map(String)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<string | null>((resolve) =>
    child.once('close', (code, signal) => resolve(code === 0 ? null : (signal ?? `exit code ${code}`))),
  );
  let step: Step | null = null;
  let lastMs = performance.now();
  const killed: string[] = [];
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-2_000)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    step = JSON.parse(line) as Step;
    lastMs = performance.now();
    onStep(step);
  });
  const kill = (why: string): void => {
    killed.push(why);
    child.kill('SIGKILL');
  };
  const watch = setInterval(() => {
    if (performance.now() - lastMs > HANG_MS) kill(`a hang of ${HANG_MS} ms`);
    void residentBytes(child.pid!).then((bytes) => {
      if (bytes > MOST_BYTES) kill(`${bytes} bytes of memory`);
    });
  }, LOOK_MS);
  const end = await ended.finally(() => clearInterval(watch));
  const why = killed[0] ?? end;
  return { step, end: why === null ? null : `${why}${errors === '' ? '' : ` (${errors.trim()})`}` };
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return 1024 * Number(/VmRSS:\s*(\d+)/.exec(status)?.[1] ?? 0);
}
