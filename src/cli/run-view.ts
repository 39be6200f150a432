import type { RunStatus } from '../client/read-status.ts';
import type { LiveActivity } from '../client/live-activities.ts';
import { formatBytes, formatCount, formatDuration } from '../config/units.ts';
import type { MergeFigures, PairProgress } from '../payloads.ts';
import { canaryLine } from '../workflows/canary.ts';
import { stateText } from '../workflows/details.ts';
import { whyText } from '../workflows/pair-entry.ts';
import { table } from './terminal.ts';

const DONE: readonly PairProgress['state'][] = ['merged', 'skipped'];

/** A run as lines of at most `height`: where not all pairs fit, those that are done, then those that wait, are counted. */
export function runLines(status: RunStatus, height: number): string[] {
  const { progress } = status;
  const { canary } = progress;
  const asks = canary?.decision === 'awaiting' && progress.state !== 'done';
  const head = [
    headline(status),
    ...(asks ? [`${canaryLine(canary)}; go on with: widemerge approve ${progress.name}`] : []),
  ];
  const notes = progress.notes.slice(-3).map((note) => `  ${note}`);
  const room = Math.max(3, height - head.length - notes.length - 3);
  let shown = progress.pairs;
  const hidden: string[] = [];
  for (const [states, word] of [
    [DONE, 'merged or skipped'],
    [['waiting'], 'waiting'],
  ] as const) {
    const excess = shown.length - room;
    if (excess <= 0) break;
    const candidates = shown.filter(({ state }) => (states as readonly string[]).includes(state));
    // The last ones done stay in sight, and the next ones that wait.
    const leave = new Set(word === 'waiting' ? candidates.slice(-excess) : candidates.slice(0, excess));
    shown = shown.filter((pair) => !leave.has(pair));
    if (leave.size > 0) hidden.push(`${leave.size} more ${word}`);
  }
  const cut = shown.length > room ? [`${shown.length - room} more`] : [];
  const rows = shown.slice(0, room).map((pair) => pairRow(pair, status.live));
  const lines = rows.length > 0 ? table(HEADING, rows) : [];
  const rest = [...hidden, ...cut];
  return [...head, ...lines, ...(rest.length > 0 ? [`(${rest.join(', ')})`] : []), ...notes];
}

const HEADING = ['pair', 'state', 'backend', 'columns', 'rows', 'size', 'time', 'peak memory', ''];

function pairRow(pair: PairProgress, live: LiveActivity[]): string[] {
  const figures = pair.figures === null ? ['', '', '', '', ''] : figureCells(pair.figures);
  return [
    pair.pair,
    pair.state,
    pair.backend ?? '',
    ...figures,
    whyText(pair) || (pair.figures?.alreadyMerged ? 'merged before' : liveText(pair, live)),
  ];
}

/** What has led a pair away from the backends before. */
const routedText = ({ routed }: PairProgress): string[] => (routed === undefined ? [] : [`after ${routed}`]);

export function figureCells(figures: MergeFigures): string[] {
  return [
    formatCount(figures.columns),
    formatCount(figures.rows),
    formatBytes(figures.bytesOut),
    // Of the run that merged it; this one has spent nothing on it.
    ...(figures.alreadyMerged ? ['', ''] : [formatDuration(figures.wallMs), formatBytes(figures.peakBytes)]),
  ];
}

function liveText(pair: PairProgress, live: LiveActivity[]): string {
  const activity = live.find((candidate) => candidate.pair === pair.pair);
  if (activity === undefined) return routedText(pair).join('');
  const parts: string[] = [];
  const beat = activity.heartbeat;
  if (beat !== null) {
    parts.push(beat.filesTotal > 0 ? `${beat.step} ${beat.filesDone}/${beat.filesTotal} files` : beat.step);
    if (beat.bytesTotal > 0) parts.push(`${formatBytes(beat.bytesDone)} of ${formatBytes(beat.bytesTotal)}`);
    if (beat.memoryBytes > 0) parts.push(`memory ${formatBytes(beat.memoryBytes)}`);
  }
  if (activity.attempt > 1) parts.push(`attempt ${activity.attempt}`);
  return [...parts, ...routedText(pair)].join(', ');
}

/** A run that did not come to its own end; the workflow cannot know. */
const ENDED: Record<string, string> = {
  FAILED: 'has failed',
  CANCELLED: 'was cancelled',
  TERMINATED: 'was terminated',
  TIMED_OUT: 'has timed out',
};

function headline({ progress, remark, workflowStatus }: RunStatus): string {
  const merged = progress.pairs.filter(({ state }) => state === 'merged').length;
  const aside = progress.pairs.filter(({ state }) => state === 'setAside').length;
  const parts = [
    `${progress.name} ${ENDED[workflowStatus] ?? `is ${stateText(progress.state)}`}`,
    `${merged} of ${progress.pairs.length} pairs merged`,
  ];
  if (aside > 0) parts.push(`${aside} set aside`);
  if (progress.eta !== null) parts.push(`done about ${progress.eta}`);
  if (workflowStatus === 'PAUSED') parts.push('paused in the server, too: unpause it there');
  return parts.join(', ') + (remark === null ? '' : ` (${remark})`);
}

/** What has become of which pair since `before`, a line each: for terminals that cannot redraw. */
export function changeLines(before: PairProgress[], after: PairProgress[]): string[] {
  const known = new Map(before.map((pair) => [pair.pair, pair]));
  return after.flatMap((pair) => {
    const old = known.get(pair.pair);
    if (old === undefined && pair.state === 'waiting') return [];
    // Between discovery and merge there are more states than a reader wants lines.
    const isNews = ['merged', 'setAside', 'skipped', 'paused', 'merging'].includes(pair.state);
    if (isNews && old?.state !== pair.state) return [pairLine(pair)];
    if (pair.state === 'merging' && pair.routed !== undefined && old?.routed !== pair.routed)
      return [`${pair.pair}  goes on with ${pair.backend ?? 'the next backend'} ${routedText(pair).join('')}`];
    const waits = pair.reason !== null && old?.reason !== pair.reason && !isNews;
    return waits ? [pairLine(pair)] : [];
  });
}

function pairLine(pair: PairProgress): string {
  const what = pair.state === 'setAside' ? 'set aside' : pair.state;
  const why = whyText(pair);
  if (pair.state === 'merged' && pair.figures !== null) {
    const [columns, rows, size, time, peak] = figureCells(pair.figures);
    const shape = `${columns} columns x ${rows} rows, ${size}`;
    const { alreadyMerged, tables } = pair.figures;
    const left = tables === undefined ? '' : `; left in ${tables}`;
    return `${pair.pair}  ${alreadyMerged ? `merged before: ${shape}` : `merged: ${shape}, ${time}, peak ${peak}`}${left}`;
  }
  return `${pair.pair}  ${what}${why === '' ? '' : `: ${why}`}`;
}
