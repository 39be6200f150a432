/** What each engine would take of a pair, and which of the chain would merge it. Pure. */
import type { CostEstimate } from '../bigquery/estimate.ts';
import { estimateTime } from '../bigquery/estimate-time.ts';
import { refusalOf } from '../bigquery/shape.ts';
import { formatBytes } from '../config/units.ts';
import type { BackendName, VerifyMode } from '../contract.ts';
import type { BigqueryConfig } from '../payloads.ts';
import type { Survey } from '../merge/job.ts';
import { predictDiskBytes } from '../merge/predict/disk.ts';
import { leastLimitBytes } from '../merge/predict/least-limit.ts';
import type { MeasuredCurve } from '../merge/predict/measured-curve.ts';
import { predictPeak } from '../merge/predict/peak.ts';
import { valuesOf, type Machine, type PairShape } from '../merge/predict/shape.ts';
import { predictTimeMs } from '../merge/predict/time.ts';
import { typeRefusal } from './plan-types.ts';

/** What is known beforehand of one engine and one pair; null where nothing is. */
export interface EnginePlan {
  engine: BackendName;
  peakBytes: number | null;
  /** The least limit that it is expected to merge the pair under: the peak, or more where the engine counts more than it fills. */
  leastLimitBytes: number | null;
  /** Whether the peak is of a curve that `widemerge profile` has measured on this machine. */
  peakFrom: 'measured' | 'built in' | null;
  fastMs: number | null;
  slowMs: number | null;
  /** Of the output, and beside it. */
  diskBytes: number | null;
  dollars: number | null;
  fits: boolean | null;
  /** What a pair that does not fit ends with, or why nothing is known: one line; null where it fits. */
  why: string | null;
  /** What becomes of the pair: it is merged, handed on to the next backend, or set aside. */
  end: 'merged' | 'handed on' | 'set aside' | null;
}

export interface PlanSettings {
  /** In the order in which they are tried. */
  chain: readonly BackendName[];
  machine: Machine;
  timeoutMs: number;
  verify: VerifyMode;
  bigquery: BigqueryConfig;
  /** A run needs a project to send a pair to BigQuery; the estimate of a folder does without. */
  wantsProject: boolean;
  curves: readonly MeasuredCurve[];
}

export const PLANNED = [
  'local',
  'duckdb',
  'polars',
  'dask',
  'pandas',
  'bigquery',
  'command',
] as const satisfies BackendName[];

export function planEngines(survey: Survey, estimate: CostEstimate | null, settings: PlanSettings): EnginePlan[] {
  const shape = shapeOf(survey, settings.verify);
  return PLANNED.map((engine) => {
    const peak = predictPeak(engine, shape, settings.machine, settings.curves);
    const figures = {
      engine,
      peakBytes: peak?.bytes ?? null,
      leastLimitBytes: peak === null ? null : leastLimitBytes(engine, shape, peak.bytes),
      peakFrom: peak?.from ?? null,
      ...timeOf(engine, shape, estimate, settings),
      diskBytes: predictDiskBytes(engine, shape, settings.machine),
      dollars: engine === 'bigquery' ? (estimate?.dollars ?? null) : engine === 'command' ? null : 0,
    };
    return { ...figures, ...judge(figures, survey, settings) };
  });
}

/** As far as footers tell: files with another number of rows are not aligned; of the others that is not known. */
export function shapeOf({ files, columns, bytesIn, shapes, layout }: Survey, verify: VerifyMode): PairShape {
  const rows = shapes.reduce((most, shape) => Math.max(most, shape.rows), 0);
  const otherRows = shapes.reduce((sum, shape) => sum + (shape.rows === rows ? 0 : shape.files), 0);
  const realigned = Math.max(otherRows, layout?.otherFiles ?? 0);
  return {
    files,
    columns,
    rows,
    rowGroups: layout?.rowGroups.count ?? 1,
    realigned,
    realignedAtLeast: true,
    verify,
    bytesIn,
  };
}

function timeOf(
  engine: BackendName,
  shape: PairShape,
  estimate: CostEstimate | null,
  { bigquery }: PlanSettings,
): { fastMs: number | null; slowMs: number | null } {
  if (engine !== 'bigquery') {
    const ms = predictTimeMs(engine, shape);
    return { fastMs: ms, slowMs: ms };
  }
  if (estimate === null) return { fastMs: null, slowMs: null };
  const stays = bigquery.output === 'tables';
  return estimateTime({
    sentBytes: shape.bytesIn,
    readBytes: stays ? 0 : estimate.logicalBytes,
    values: stays ? 0 : valuesOf(shape),
    queries: estimate.partitions.length,
  });
}

type Figures = Omit<EnginePlan, 'fits' | 'why' | 'end'>;
type Judgement = Pick<EnginePlan, 'fits' | 'why' | 'end'>;

function judge(
  { engine, peakBytes, leastLimitBytes, slowMs, dollars }: Figures,
  survey: Survey,
  { machine, timeoutMs, bigquery, wantsProject }: PlanSettings,
): Judgement {
  if (engine === 'command') return { fits: null, why: 'nothing is known of it', end: null };
  const no = (why: string, end: EnginePlan['end']): Judgement => ({ fits: false, why, end });
  const refusal = engine === 'bigquery' ? refusalOf(survey) : typeRefusal(engine, survey);
  if (refusal !== null) return no(refusal, engine === 'local' ? 'set aside' : 'handed on');
  if (leastLimitBytes !== null && leastLimitBytes > machine.memoryBytes)
    return no(memoryText(peakBytes ?? 0, leastLimitBytes, machine.memoryBytes), 'handed on');
  if (engine !== 'bigquery')
    return slowMs !== null && slowMs > timeoutMs
      ? no('longer than the limit of time', 'handed on')
      : { fits: true, why: null, end: 'merged' };
  if (dollars !== null && dollars > bigquery.budgetDollars) return no('above the budget', 'set aside');
  if (wantsProject && bigquery.project === null) return no('bigquery.project is not set', 'set aside');
  return { fits: true, why: null, end: 'merged' };
}

function memoryText(peakBytes: number, leastBytes: number, limitBytes: number): string {
  if (peakBytes > limitBytes) return 'above the limit of memory';
  return `needs a limit of ${formatBytes(leastBytes)}: it counts what it reserves, too`;
}
