import type { BudgetFigures, LedgerView } from '../budget/messages.ts';
import { formatDollars } from '../budget/money.ts';

const ROWS_SHOWN = 20;

/** Markdown for the UI's "current details": the newest months and runs. */
export function describeBudget({ project, months, runs, open, refusal }: LedgerView): string {
  const rows = [
    ...months.slice(-3).map(({ month, ...figures }) => row(month, figures)),
    ...runs.slice(-ROWS_SHOWN).map(({ run, ...figures }) => row(`run ${run}`, figures)),
  ];
  return [
    `**${project}**: ${open.length} jobs with reservations`,
    '',
    '| of | budget | spent | reserved |',
    '|---|---|---|---|',
    ...rows.toReversed(),
    ...(refusal ? ['', `- refused: ${refusal.message}`] : []),
  ].join('\n');
}

function row(of: string, { limitNanos, spentNanos, reservedNanos }: BudgetFigures): string {
  const budget = limitNanos === null ? '' : formatDollars(limitNanos);
  return `| ${of.replaceAll('|', '\\|')} | ${budget} | ${formatDollars(spentNanos)} | ${formatDollars(reservedNanos)} |`;
}
