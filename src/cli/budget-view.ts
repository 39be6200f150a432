import type { BudgetFigures, LedgerView, OpenReservation, RaiseAnswer, RunView } from '../budget/messages.ts';
import { formatDollars } from '../budget/money.ts';
import { table } from './terminal.ts';

const PAIRS_SHOWN = 30;
const JOBS_SHOWN = 10;

/** The books as a person reads them: `month`, the runs, and what the latest run was spent on. */
export function budgetLines(ledger: LedgerView, month: string): string[] {
  const { project, months, runs, open, refusal, unknownJobs } = ledger;
  const current = months.find((own) => own.month === month);
  const own = current ?? { limitNanos: null, spentNanos: 0, reservedNanos: 0 };
  const figures = ['budget', 'spent', 'reserved'];
  const earlier = months.filter((other) => other.month !== month).toReversed();
  const latest = runs.at(-1);
  return [
    `project ${project} in ${month}: ${sentence(own)}`,
    ...(earlier.length > 0
      ? [
          '',
          ...table(
            ['month', ...figures],
            earlier.map((past) => [past.month, ...cells(past)]),
          ),
        ]
      : []),
    ...(runs.length > 0
      ? [
          '',
          ...table(
            ['run', ...figures],
            runs.toReversed().map((run) => [run.run, ...cells(run)]),
          ),
        ]
      : []),
    ...(latest && latest.spentNanos > 0 ? ['', ...spentLines(latest)] : []),
    ...(open.length > 0 ? ['', ...reservationLines(open)] : []),
    ...(unknownJobs > 0 ? ['', `${unknownJobs} jobs were paid that had no reservation; they are counted`] : []),
    ...(refusal ? ['', `refused: ${refusal.message}`] : []),
  ];
}

export function raiseLines(project: string, { raised }: RaiseAnswer): string[] {
  return [
    ...raised.map(({ scope, name, fromNanos, toNanos }) => {
      const whose = scope === 'run' ? `run ${name}` : `project ${project} in ${name}`;
      const before = fromNanos === null ? '' : ` (it was ${formatDollars(fromNanos)})`;
      return `the budget of ${whose} is ${formatDollars(toNanos)}${before}`;
    }),
    'a pair that was set aside for want of money is tried again with: widemerge retry RUN PAIR',
  ];
}

export function releaseLines(run: string, released: OpenReservation[]): string[] {
  const nanos = released.reduce((sum, own) => sum + own.nanos, 0);
  return [
    ...reservationLines(released),
    `${formatDollars(nanos)} that run ${run} had reserved are free again; what its jobs have cost in truth, Google's bill says`,
  ];
}

function sentence({ limitNanos, spentNanos, reservedNanos }: BudgetFigures): string {
  const spent = `spent ${formatDollars(spentNanos)}, reserved ${formatDollars(reservedNanos)}`;
  if (limitNanos === null) return `${spent}; its budget begins with the first job`;
  const percent = limitNanos === 0 ? 100 : Math.floor(((spentNanos + reservedNanos) / limitNanos) * 100);
  return `${spent} of ${formatDollars(limitNanos)} (${percent} %)`;
}

function cells({ limitNanos, spentNanos, reservedNanos }: BudgetFigures): string[] {
  return [
    limitNanos === null ? '' : formatDollars(limitNanos),
    formatDollars(spentNanos),
    formatDollars(reservedNanos),
  ];
}

function spentLines({ run, kinds, pairs }: RunView): string[] {
  const dearest = pairs.toSorted((a, b) => b.spentNanos - a.spentNanos);
  const more = pairs.length - PAIRS_SHOWN;
  return [
    `run ${run} by kind:`,
    ...table(
      ['kind', 'spent'],
      Object.entries(kinds).map(([kind, nanos]) => [kind, formatDollars(nanos)]),
    ),
    '',
    ...table(
      ['pair', 'spent'],
      dearest.slice(0, PAIRS_SHOWN).map((own) => [own.pair, formatDollars(own.spentNanos)]),
    ),
    ...(more > 0 ? [`and ${more} more: --json has them`] : []),
  ];
}

function reservationLines(open: OpenReservation[]): string[] {
  const rows = open
    .slice(0, JOBS_SHOWN)
    .map((own) => [own.jobId, own.run, own.pair, own.step, own.kind, formatDollars(own.nanos)]);
  const more = open.length - JOBS_SHOWN;
  return [
    ...table(['job', 'run', 'pair', 'step', 'kind', 'reserved'], rows),
    ...(more > 0 ? [`and ${more} more: --json has them`] : []),
  ];
}
