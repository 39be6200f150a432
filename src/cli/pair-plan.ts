import { estimateCost, type CostEstimate } from '../bigquery/estimate.ts';
import { pairShape, refusalOf } from '../bigquery/shape.ts';
import type { FailureType } from '../contract.ts';
import type { MergeFigures } from '../payloads.ts';
import type { Survey, SurveyedLayout } from '../merge/job.ts';
import { chooseEngine, type EngineChoice } from './plan-choice.ts';
import { planEngines, type EnginePlan, type PlanSettings } from './plan-engines.ts';

/** What is known of a pair beforehand; `--json` shows it as it is. */
export interface PairPlan {
  pair: string;
  survey: PairSurvey | null;
  /** Why it cannot be merged at all. */
  failure: { type: FailureType; message: string } | null;
  /** Why it cannot be merged by BigQuery. */
  refusal: string | null;
  /** Null where there is a failure or a refusal, or nothing to do. */
  estimate: CostEstimate | null;
  /** What each engine would take; empty where there is a failure, or nothing to do. */
  engines: EnginePlan[];
  /** Which of the chain would merge it; null where there is a failure, or nothing to do. */
  choice: EngineChoice | null;
}

export interface PairSurvey {
  files: number;
  columns: number;
  /** Of the checkpoint with the fewest, and with the most rows; that they differ means that some are not aligned. */
  rowsLeast: number;
  rowsMost: number;
  /** Checkpoints that have another number of rows than the longest: the merge rewrites these, at least. */
  otherRows: number;
  bytesIn: number;
  sharing: Survey['sharing'];
  /** Row groups of the output, and who has them; as far as footers tell. */
  layout?: SurveyedLayout;
  alreadyMerged: MergeFigures | null;
}

export function planPair(pair: string, survey: Survey, settings: PlanSettings): PairPlan {
  const known = describeSurvey(survey);
  const refusal = refusalOf(survey);
  if (survey.alreadyMerged !== null)
    return { pair, survey: known, failure: null, refusal, estimate: null, engines: [], choice: null };
  const estimate = refusal === null ? estimateCost(pairShape(survey), settings.bigquery) : null;
  const engines = planEngines(survey, estimate, settings);
  return { pair, survey: known, failure: null, refusal, estimate, engines, choice: chooseEngine(engines, settings) };
}

function describeSurvey({ files, columns, bytesIn, shapes, sharing, layout, alreadyMerged }: Survey): PairSurvey {
  const rows = alreadyMerged === null ? shapes.map((shape) => shape.rows) : [alreadyMerged.rows];
  const rowsLeast = rows.reduce((least, count) => Math.min(least, count), Infinity);
  const rowsMost = rows.reduce((most, count) => Math.max(most, count), 0);
  const otherRows = shapes.reduce((sum, shape) => sum + (shape.rows === rowsMost ? 0 : shape.files), 0);
  return {
    ...{ files, columns, rowsLeast, rowsMost, otherRows, bytesIn, sharing, alreadyMerged },
    ...(layout !== undefined && { layout }),
  };
}
