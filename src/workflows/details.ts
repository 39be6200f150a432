import { formatDollars } from '../budget/money.ts';
import type { PairState } from '../contract.ts';
import type { CanaryReport, MergeFigures, PairProgress, RunProgress } from '../payloads.ts';
import { MESSAGES, runWorkflowId } from '../contract.ts';
import { canaryLine } from './canary.ts';
import { isRunning, whyText } from './pair-entry.ts';
import { sizeText } from './size-text.ts';

/** Markdown for the UI's "current details": what is going on, for somebody who knows nothing else. */

const ROWS_SHOWN = 40;

/** The pairs that matter first. */
const ORDER: readonly ((state: PairState) => boolean)[] = [
  isRunning,
  (state) => state === 'setAside',
  (state) => state === 'skipped',
  (state) => state === 'merged',
  (state) => state === 'waiting',
];

export function describeRun(run: RunProgress): string {
  const shown = ORDER.flatMap((wanted) => run.pairs.filter(({ state }) => wanted(state))).slice(0, ROWS_SHOWN);
  const merged = run.pairs.filter(({ state }) => state === 'merged').length;
  return [
    `**${run.name}** is ${stateText(run.state)}: ${merged} of ${run.pairs.length} pairs merged${run.eta ? `, done about ${run.eta}` : ''}`,
    ...(run.canary === undefined ? [] : ['', canaryText(run.name, run.canary)]),
    '',
    '| pair | state | backend | figures | reason |',
    '|---|---|---|---|---|',
    ...shown.map(
      (p) =>
        `| ${p.pair} | ${p.state} | ${p.backend ?? ''} | ${p.figures ? figuresLine(p.figures) : ''} | ${cell(whyText(p))} |`,
    ),
    ...(run.pairs.length > shown.length ? ['', `and ${run.pairs.length - shown.length} more`] : []),
    ...(run.notes.length > 0 ? ['', ...run.notes.map((note) => `- ${note}`)] : []),
  ].join('\n');
}

export const stateText = (state: RunProgress['state']): string =>
  state === 'awaitingApproval' ? 'awaiting approval' : state;

function canaryText(name: string, report: CanaryReport): string {
  if (report.decision !== 'awaiting') return `${canaryLine(report)} (${report.decision})`;
  const signal = `temporal workflow signal --workflow-id ${runWorkflowId(name)} --name ${MESSAGES.approve}`;
  return `**${canaryLine(report)}**. Approve with \`${signal}\`, or pivot, skip pairs or cancel.`;
}

export function describePair(pair: PairProgress, story: readonly string[]): string {
  return [
    `**${pair.pair}** is ${pair.state}${pair.backend ? ` (${pair.backend})` : ''}${told(whyText(pair))}`,
    ...(pair.routed === undefined ? [] : ['', `routed to ${pair.backend ?? 'the next backend'} after ${pair.routed}`]),
    ...(pair.figures ? ['', figuresLine(pair.figures)] : []),
    ...(pair.spentNanos === undefined ? [] : ['', `spent on BigQuery: ${formatDollars(pair.spentNanos)}`]),
    '',
    ...story.map((line) => `- ${line}`),
  ].join('\n');
}

export function figuresLine(figures: MergeFigures): string {
  const { bill } = figures;
  const paid = bill === undefined ? '' : `, ${formatDollars(bill.nanos)} for ${sizeText(bill.bytesBilled)} billed`;
  return (
    `${figures.columns} columns x ${figures.rows} rows from ${figures.files} files, ${sizeText(figures.bytesOut)}, ` +
    `${(figures.wallMs / 1000).toFixed(1)} s, peak ${sizeText(figures.peakBytes)}${paid}${figures.alreadyMerged ? ', merged before' : ''}`
  );
}

const told = (text: string): string => (text === '' ? '' : `: ${text}`);

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
