import { formatBytes, formatDuration } from '../config/units.ts';
import type { EngineChoice } from './plan-choice.ts';
import { PLANNED, type EnginePlan, type PlanSettings } from './plan-engines.ts';
import type { PairPlan } from './pair-plan.ts';
import { table } from './terminal.ts';

type Limits = Pick<PlanSettings, 'machine' | 'timeoutMs' | 'chain'>;

/** What each engine would take, a line each: of one pair, or of several together; then which of them would merge it, and why. */
export function engineLines(plans: readonly PairPlan[], limits: Limits): string[] {
  const open = plans.filter(({ engines }) => engines.length > 0);
  if (open.length === 0) return [];
  const several = open.length > 1;
  const heading = several
    ? ['engine', 'most memory', 'time in all', 'disk in all', 'dollars', 'fits', '']
    : ['engine', 'memory', 'time', 'disk', 'dollars', 'fits', ''];
  const rows = PLANNED.filter((engine) => engine !== 'command' || limits.chain.includes(engine)).map((engine) =>
    rowOf(open.map(({ engines }) => engines.find((own) => own.engine === engine)!)),
  );
  return [...table(heading, rows), limitsLine(open, limits), ...choiceLines(open)];
}

function rowOf(own: EnginePlan[]): string[] {
  const { engine } = own[0]!;
  const fitting = own.filter(({ fits }) => fits === true).length;
  const unknown = own.every(({ fits }) => fits === null);
  const fits = unknown ? '' : fitting === own.length ? 'yes' : fitting === 0 ? 'no' : `${fitting} of ${own.length}`;
  const [peaks, disks, dollars] = [
    own.map(({ peakBytes }) => peakBytes),
    own.map(({ diskBytes }) => diskBytes),
    own.map((plan) => plan.dollars),
  ];
  const [fast, slow] = [own.map(({ fastMs }) => fastMs), own.map(({ slowMs }) => slowMs)];
  return [
    engine,
    textOf(most(peaks), formatBytes) + ofPairs(peaks),
    timeText(sum(fast), sum(slow)) + ofPairs(slow),
    textOf(sum(disks), formatBytes) + ofPairs(disks),
    textOf(sum(dollars), dollarsText) + ofPairs(dollars),
    fits,
    [...new Set(own.flatMap(({ why }) => (why === null ? [] : [why])))].slice(0, 2).join('; '),
  ];
}

/** What the figures are compared with, and where they are from. */
function limitsLine(open: readonly PairPlan[], { machine, timeoutMs }: Limits): string {
  const all = open.flatMap(({ engines }) => engines);
  const measured = PLANNED.filter((engine) => all.some((own) => own.engine === engine && own.peakFrom === 'measured'));
  const from =
    measured.length === 0
      ? 'memory by the curves that are built in (widemerge profile measures this machine)'
      : `memory of ${measured.join(', ')} as measured here, of the others as built in`;
  return `limits: ${formatBytes(machine.memoryBytes)} of memory, ${formatDuration(timeoutMs)}; ${from}`;
}

const NAMES_SHOWN = 5;

function choiceLines(open: readonly PairPlan[]): string[] {
  const groups = new Map<string, { choice: EngineChoice; pairs: string[] }>();
  for (const { pair, choice } of open) {
    if (choice === null) continue;
    const key = `${choice.engine ?? ''} ${open.length === 1 ? choice.why : (choice.engine ?? choice.why)}`;
    const group = groups.get(key) ?? { choice, pairs: [] };
    groups.set(key, { ...group, pairs: [...group.pairs, pair] });
  }
  return [...groups.values()].map(({ choice, pairs }) => {
    const whose = open.length === 1 ? '' : ` for ${namesText(pairs, open.length)}`;
    return `chosen${whose}: ${choice.engine ?? 'none'}, ${choice.why}`;
  });
}

function namesText(pairs: readonly string[], all: number): string {
  if (pairs.length === all) return `all ${all} pairs`;
  const more = pairs.length - NAMES_SHOWN;
  return `${pairs.slice(0, NAMES_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

const known = (values: (number | null)[]): number[] => values.filter((value) => value !== null);
const most = (values: (number | null)[]): number | null =>
  known(values).length === 0 ? null : Math.max(...known(values));
const sum = (values: (number | null)[]): number | null =>
  known(values).length === 0 ? null : known(values).reduce((total, value) => total + value, 0);

/** What is known of some of the pairs only would look like all of it. */
function ofPairs(values: (number | null)[]): string {
  const count = known(values).length;
  return count === 0 || count === values.length ? '' : ` (of ${count} of ${values.length} pairs)`;
}

const textOf = (value: number | null, format: (value: number) => string): string =>
  value === null ? '' : format(value);

function timeText(fastMs: number | null, slowMs: number | null): string {
  if (fastMs === null || slowMs === null) return '';
  return fastMs === slowMs ? formatDuration(slowMs) : `${formatDuration(fastMs)} to ${formatDuration(slowMs)}`;
}

/** Nothing is `0`: a column of noughts would hide the one that is not. */
const dollarsText = (dollars: number): string => (dollars === 0 ? '0' : dollars.toFixed(dollars < 1 ? 4 : 2));
