import { formatDollars } from '../../budget/money.ts';
import type { RunStatus } from '../../client/read-status.ts';
import { formatBytes } from '../../config/units.ts';
import { whyText } from '../../workflows/pair-entry.ts';
import { figureCells } from '../run-view.ts';
import { table } from '../terminal.ts';

/** The table at the end: what was merged, and what was not and why. */
export function closingLines({ progress }: RunStatus, seconds: number): string[] {
  const heading = ['pair', 'columns', 'rows', 'size', 'time', 'peak memory', 'verified', ''];
  const rows = progress.pairs.map(({ pair, figures, state, ...why }) =>
    figures === null
      ? [pair, '', '', '', '', '', '', `${state === 'setAside' ? 'set aside' : state}: ${whyText(why)}`]
      : [
          pair,
          ...figureCells(figures),
          figures.verified,
          figures.realigned > 0 ? `${figures.realigned} files aligned` : '',
        ],
  );
  const merged = progress.pairs.flatMap(({ figures }) => (figures === null ? [] : [figures]));
  const bytes = merged.reduce((sum, { bytesOut }) => sum + bytesOut, 0);
  const peak = Math.max(0, ...merged.map(({ peakBytes }) => peakBytes));
  return [
    '',
    ...table(heading, rows),
    '',
    `${merged.length} of ${progress.pairs.length} pairs merged (${formatBytes(bytes)}), each verified before its checkpoints were deleted; ` +
      `largest peak ${formatBytes(peak)}; ${seconds.toFixed(0)} s in all`,
  ];
}

/** The same for pairs of several backends: which one merged it, and for how much. */
export function fallbackTable({ progress }: RunStatus): string[] {
  const heading = [
    'pair',
    'backend',
    'columns',
    'rows',
    'size',
    'time',
    'peak memory',
    'verified',
    'billed',
    'cost',
    '',
  ];
  const rows = progress.pairs.map(({ pair, backend, figures, state, ...why }) => {
    if (figures === null) return [pair, backend ?? '', '', '', '', '', '', '', '', '', `${state}: ${whyText(why)}`];
    const { bill, verified } = figures;
    const cost = bill === undefined ? ['', ''] : [formatBytes(bill.bytesBilled), formatDollars(bill.nanos)];
    return [pair, backend ?? '', ...figureCells(figures), verified, ...cost, ''];
  });
  return table(heading, rows);
}

export const NEXT_LINES = [
  '',
  'What to try next:',
  '  make dev                                           the same, with server, UI and worker left running',
  '  npx --no-install widemerge sample --out samples    write checkpoints of your own',
  '  npx --no-install widemerge merge samples/GBPUSD --out GBPUSD.parquet',
  '  npx --no-install widemerge init samples            a configuration for them; then server, worker and run',
];
