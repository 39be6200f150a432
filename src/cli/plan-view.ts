import type { CostLine, CostSum } from '../bigquery/estimate.ts';
import { ASSUMED, estimateTime } from '../bigquery/estimate-time.ts';
import { formatBytes, formatCount, formatDuration } from '../config/units.ts';
import type { BigqueryConfig } from '../payloads.ts';
import type { SurveyedLayout } from '../merge/job.ts';
import type { PairPlan, PairSurvey } from './pair-plan.ts';
import { engineLines } from './plan-engines-view.ts';
import type { PlanSettings } from './plan-engines.ts';
import { sharingLine } from './sharing-words.ts';
import { table } from './terminal.ts';

/** Plans as people read them: a pair in words, several as a table; what each engine takes; then what BigQuery costs, term by term, and the budget. */
export function planLines(plans: PairPlan[], total: CostSum | null, settings: PlanSettings): string[] {
  const { bigquery } = settings;
  const only = plans[0];
  const pairLines = plans.length === 1 && only !== undefined ? onePair(only) : manyPairs(plans);
  const lines = [...pairLines, ...engineLines(plans, settings)];
  if (total === null) return lines;
  const { location, budgetDollars } = bigquery;
  const pairs = plans.length === 1 ? '' : ` for ${plans.filter(({ estimate }) => estimate !== null).length} pairs`;
  const over = total.dollars > budgetDollars ? ': it would stop before its end' : '';
  return [
    ...lines,
    `on BigQuery (${location}, list prices, free tiers not counted)${pairs}:`,
    ...costLines(total.lines),
    `${formatDollars(total.dollars)} in all; the budget is ${formatDollars(budgetDollars)}${over}`,
    ...keptLines(total, bigquery),
    timeLine(plans, bigquery),
  ];
}

/** What is not of the run's budget: it goes on for as long as the tables are there. */
function keptLines({ kept }: CostSum, { outputDataset, prices }: BigqueryConfig): string[] {
  if (kept === null) return [];
  const price = `$${prices.storagePerGiBMonth} per GiB and month`;
  return [
    `the tables that stay in ${outputDataset ?? ''}: ${formatBytes(kept.bytes)}, ${formatDollars(kept.dollarsAMonth)} a month at ${price}`,
  ];
}

/** Several pairs may be on BigQuery at a time, but what is done here is done for one after the other. */
function timeLine(plans: PairPlan[], { output }: BigqueryConfig): string {
  const counts = { sentBytes: 0, readBytes: 0, values: 0, queries: 0 };
  for (const { survey, estimate } of plans) {
    if (survey === null || estimate === null) continue;
    counts.sentBytes += survey.bytesIn;
    if (output !== 'tables') {
      counts.readBytes += estimate.logicalBytes;
      counts.values += survey.columns * survey.rowsMost;
    }
    counts.queries += estimate.partitions.length;
  }
  const { fastMs, slowMs } = estimateTime(counts);
  const minutes = (ms: number): string => formatDuration(Math.max(1, Math.round(ms / 60_000)) * 60_000);
  const inTurn = plans.length === 1 ? '' : ', one pair after the other';
  const link = `${formatBytes(ASSUMED.slowLink)} to ${formatBytes(ASSUMED.fastLink)} a second`;
  const query = `${minutes(ASSUMED.fastQueryMs)} to ${minutes(ASSUMED.slowQueryMs)}`;
  return (
    `about ${minutes(fastMs)} to ${minutes(slowMs)}${inTurn}: ${formatBytes(counts.sentBytes)} sent and ` +
    `${formatBytes(counts.readBytes)} read back at ${link}, ${formatCount(counts.queries)} queries of ${query} (both assumed), ` +
    `${formatCount(Math.ceil(counts.values / 1e6))} million values written and verified here`
  );
}

function onePair({ pair, survey, failure, refusal, estimate }: PairPlan): string[] {
  if (survey === null) return [`${pair}: ${failure?.type ?? ''}: ${failure?.message ?? ''}`];
  const { files, columns, bytesIn, alreadyMerged } = survey;
  const shape = `${formatCount(files)} files, ${formatCount(columns)} columns x ${rowsText(survey)} rows, ${formatBytes(bytesIn)} on disk`;
  if (alreadyMerged !== null) return [`${pair}: ${shape}: merged already; nothing to do`];
  const lines = [`${pair}: ${shape}`];
  if (survey.otherRows > 0)
    lines.push(`not aligned: at least ${formatCount(survey.otherRows)} files, which have another number of rows`);
  if (survey.layout !== undefined) lines.push(...layoutLines(survey.layout));
  const sharing = sharingLine(survey.sharing);
  if (sharing !== null) lines.push(sharing);
  if (refusal !== null) lines.push(`not on BigQuery: ${refusal}`);
  if (estimate === null) return lines;
  const parts = estimate.partitions.map((partition) => formatCount(partition.columns));
  const cut = `${parts.length} vertical partition${parts.length === 1 ? '' : 's'} of ${columnsText(parts)}`;
  return [...lines, `in BigQuery's types: ${formatBytes(estimate.logicalBytes)} of values, in ${cut}`];
}

/** Said where there was something to choose. */
function layoutLines({ rowGroups, files, bytes, otherFiles, otherBytes }: SurveyedLayout): string[] {
  if (otherFiles === 0) return [];
  const { count, rowsMost } = rowGroups;
  const groups = count === 1 ? '1' : `${formatCount(count)}, of up to ${formatCount(rowsMost)} rows`;
  const others = `${formatCount(otherFiles)} files (${formatBytes(otherBytes)}) have others and are rewritten`;
  return [`row groups: ${groups}, as ${formatCount(files)} files (${formatBytes(bytes)}) have them; ${others}`];
}

const HEADING = ['pair', 'files', 'columns', 'rows', 'on disk', 'partitions', 'in BigQuery', 'dollars', ''];

function manyPairs(plans: PairPlan[]): string[] {
  return table(
    HEADING,
    plans.map(({ pair, survey, failure, refusal, estimate }) => {
      if (survey === null)
        return [pair, '', '', '', '', '', '', '', `${failure?.type ?? ''}: ${failure?.message ?? ''}`];
      const cells = [
        pair,
        formatCount(survey.files),
        formatCount(survey.columns),
        rowsText(survey),
        formatBytes(survey.bytesIn),
      ];
      if (survey.alreadyMerged !== null) return [...cells, '', '', '', 'merged already'];
      if (estimate === null) return [...cells, '', '', '', `not on BigQuery: ${refusal ?? ''}`];
      const partitions = formatCount(estimate.partitions.length);
      return [...cells, partitions, formatBytes(estimate.logicalBytes), estimate.dollars.toFixed(2), ''];
    }),
  );
}

function costLines(lines: CostLine[]): string[] {
  const rows = lines.map(({ dollars, bytes, what }) => [formatDollars(dollars), formatBytes(bytes), what] as const);
  const widths = [0, 1].map((cell) => Math.max(...rows.map((row) => row[cell]!.length)));
  return rows.map(
    ([dollars, bytes, what]) => `  ${dollars.padStart(widths[0]!)}  ${bytes.padStart(widths[1]!)}  ${what}`,
  );
}

/** `8,519 and 8,518 columns`; of many the first and the last. */
function columnsText(parts: string[]): string {
  if (parts.length > 1 && new Set(parts).size === 1) return `${parts[0]!} columns each`;
  return `${listed(parts)} columns`;
}

function listed(parts: string[]): string {
  if (parts.length <= 2) return parts.join(' and ');
  return parts.length <= 4
    ? `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)!}`
    : `${parts[0]!} to ${parts.at(-1)!}`;
}

const rowsText = ({ rowsLeast, rowsMost }: PairSurvey): string =>
  rowsLeast === rowsMost ? formatCount(rowsMost) : `${formatCount(rowsLeast)} to ${formatCount(rowsMost)}`;

/** Cents, and finer below a dollar. */
const formatDollars = (dollars: number): string =>
  `$${dollars === 0 || dollars >= 1 ? dollars.toFixed(2) : dollars.toFixed(4)}`;
