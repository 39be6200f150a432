import { estimateCost, type CostEstimate } from '../bigquery/estimate.ts';
import { pairShape, refusalOf } from '../bigquery/shape.ts';
import type { BigqueryConfig, MergeFigures } from '../contract.ts';
import type { FailureType } from '../contract.ts';
import type { Survey } from '../merge/job.ts';

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
  alreadyMerged: MergeFigures | null;
}

export function planPair(pair: string, survey: Survey, bigquery: BigqueryConfig): PairPlan {
  const known = describeSurvey(survey);
  const refusal = refusalOf(survey);
  const estimate = refusal === null && survey.alreadyMerged === null ? estimateCost(pairShape(survey), bigquery) : null;
  return { pair, survey: known, failure: null, refusal, estimate };
}

function describeSurvey({ files, columns, bytesIn, shapes, alreadyMerged }: Survey): PairSurvey {
  const rows = alreadyMerged === null ? shapes.map((shape) => shape.rows) : [alreadyMerged.rows];
  const rowsLeast = rows.reduce((least, count) => Math.min(least, count), Infinity);
  const rowsMost = rows.reduce((most, count) => Math.max(most, count), 0);
  const otherRows = shapes.reduce((sum, shape) => sum + (shape.rows === rowsMost ? 0 : shape.files), 0);
  return { files, columns, rowsLeast, rowsMost, otherRows, bytesIn, alreadyMerged };
}
