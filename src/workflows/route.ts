import type { BackendName, FailureType } from '../contract.ts';

/**
 * Where a step goes next: a pure function of policy and failures so far.
 *
 * The route decides on the type of a failure, never on its message. A failure belongs to the backend that it happened
 * on, or to none (`null`: discovery, the gate, verification), where no other backend would change anything.
 */
export interface RoutePolicy {
  /** Backends in the order in which they are tried; `[null]` for a step that has no backend. Never empty. */
  chain: readonly (BackendName | null)[];
  waitFirstMs: number;
  waitMaxMs: number;
  /** Where BigQuery cannot be had, the pair waits for it instead of going to the next backend. */
  waitsForBigquery: boolean;
}

/** The latest failure of one type on one backend, and how often it happened. Plain JSON. */
export interface PastFailure {
  backend: BackendName | null;
  type: FailureType;
  /** One line. */
  message: string;
  times: number;
}

export type Decision =
  | { kind: 'try'; backend: BackendName | null }
  | { kind: 'wait'; backend: BackendName | null; waitMs: number; reason: string; failure: FailureType }
  /** The reason names types only where several failures have to be told apart: `failure` is told with it. */
  | { kind: 'setAside'; failure: FailureType; reason: string };

type Treatment = 'nextBackend' | 'wait' | 'retry' | 'setAside';

const TREATMENTS: Record<FailureType, Treatment> = {
  CheckpointInvalid: 'setAside',
  OutputExists: 'setAside',
  OutputUnwritable: 'setAside',
  OutputMismatch: 'setAside',
  InputChanged: 'setAside',
  BudgetExceeded: 'setAside',
  ConfigInvalid: 'setAside',
  MemoryExhausted: 'nextBackend',
  MergeTimedOut: 'nextBackend',
  MergeStalled: 'nextBackend',
  BackendLost: 'nextBackend',
  BackendUnavailable: 'nextBackend',
  EngineUnfit: 'nextBackend',
  Killed: 'retry',
  CommandFailed: 'retry',
  DiskFull: 'wait',
  HostUnhealthy: 'wait',
  MachineBusy: 'wait',
};

/** Somebody who kills merges by hand or by script gets tired of it; a bug does not go away by itself. */
const KILLED_RETRIES = 5;
const OTHER_RETRIES = 2;
/** Some two days of waits at their longest: after that, what is said to be a passing trouble is none. */
const UNAVAILABLE_WAITS = 1_500;
/** Nothing has to clear up before a retry, other than before the end of a wait. */
const RETRY_FIRST_MS = 1_000;
const MESSAGE_LIMIT = 300;
/** Of a failure that stands beside others; characters. */
const LEAST_SHARE = 100;

/** Adds a failure; the list stays as short as there are backends and types, the latest last. */
export function recordFailure(failures: readonly PastFailure[], failure: Omit<PastFailure, 'times'>): PastFailure[] {
  const same = (past: PastFailure): boolean => past.backend === failure.backend && past.type === failure.type;
  const times = (failures.find(same)?.times ?? 0) + 1;
  return [
    ...failures.filter((past) => !same(past)),
    { ...failure, message: oneLine(failure.message, MESSAGE_LIMIT), times },
  ];
}

/** What an operator's pivot to a backend does: its earlier failures count no more. */
export function forgive(failures: readonly PastFailure[], backend: BackendName): PastFailure[] {
  return failures.filter((past) => past.backend !== backend);
}

/** The configured chain with the operator's choice in front. */
export function chainFrom(configured: readonly BackendName[], pivot: BackendName | null): BackendName[] {
  return pivot === null ? [...configured] : [pivot, ...configured.filter((backend) => backend !== pivot)];
}

/** See above; with no failures it is the first backend of the chain. */
export function route(policy: RoutePolicy, failures: readonly PastFailure[]): Decision {
  const fatal = failures.find((past) => treatmentOf(past, policy) === 'setAside');
  if (fatal) return { kind: 'setAside', failure: fatal.type, reason: explain(policy, failures, fatal) };

  const spent = (backend: BackendName | null): boolean =>
    failures.some((past) => past.backend === backend && treatmentOf(past, policy) === 'nextBackend');
  const current = policy.chain.find((backend) => !spent(backend));
  const last = failures.at(-1);
  if (current === undefined) {
    const end = leadingOn(policy, failures).at(-1);
    return { kind: 'setAside', failure: end?.type ?? 'BackendUnavailable', reason: explainAll(policy, failures) };
  }
  if (last?.backend === current && treatmentOf(last, policy) !== 'nextBackend') {
    const reason = `${describeFailure(last)} (${last.times === 1 ? 'once' : `${last.times} times`} so far)`;
    return { kind: 'wait', backend: current, waitMs: waitMs(policy, last), reason, failure: last.type };
  }
  return { kind: 'try', backend: current };
}

/** Retries that are used up, and memory where no other backend would help, end in setting aside. */
function treatmentOf(past: PastFailure, policy: RoutePolicy): Treatment {
  const treatment = TREATMENTS[past.type];
  if (past.type === 'BackendUnavailable' && past.backend === 'bigquery' && policy.waitsForBigquery)
    return past.times > UNAVAILABLE_WAITS ? 'nextBackend' : 'wait';
  if (treatment === 'retry' || (treatment === 'nextBackend' && past.backend === null)) {
    const retries = past.type === 'Killed' ? KILLED_RETRIES : OTHER_RETRIES;
    return past.times > retries ? 'setAside' : 'retry';
  }
  return treatment;
}

function waitMs(policy: RoutePolicy, last: PastFailure): number {
  const firstMs =
    treatmentOf(last, policy) === 'wait' ? policy.waitFirstMs : Math.min(policy.waitFirstMs, RETRY_FIRST_MS);
  return Math.min(policy.waitMaxMs, firstMs * 2 ** Math.min(last.times - 1, 20));
}

function explain(policy: RoutePolicy, failures: readonly PastFailure[], fatal: PastFailure): string {
  const before = leadingOn(policy, failures).filter((past) => past !== fatal);
  const tail = fatal.times > 1 ? ` (${fatal.times} times)` : '';
  return tellApart([...before, fatal]) + tail;
}

function explainAll(policy: RoutePolicy, failures: readonly PastFailure[]): string {
  const ends = leadingOn(policy, failures);
  return ends.length === 0 ? 'no backend is configured' : tellApart(ends);
}

/** The failures that have led a pair from one backend to the next. */
function leadingOn(policy: RoutePolicy, failures: readonly PastFailure[]): PastFailure[] {
  return failures.filter((past) => treatmentOf(past, policy) === 'nextBackend');
}

/** Why a pair is not on the first backend of its chain any more, one line; null where nothing has led it on. */
export function evidenceOf(policy: RoutePolicy, failures: readonly PastFailure[]): string | null {
  const ends = leadingOn(policy, failures);
  // Each has its share: the last one says as much as the first.
  const share = Math.max(LEAST_SHARE, Math.floor(MESSAGE_LIMIT / ends.length));
  return ends.length === 0 ? null : ends.map((past) => oneLine(describeFailure(past), share)).join('; then ');
}

function tellApart(failures: readonly PastFailure[]): string {
  const [only, ...more] = failures;
  if (only !== undefined && more.length === 0) return `${where(only)}${only.message}`;
  return failures.map(describeFailure).join('; then ');
}

export function describeFailure(past: Omit<PastFailure, 'times'>): string {
  return `${where(past)}${past.type}: ${past.message}`;
}

function where({ backend }: Pick<PastFailure, 'backend'>): string {
  return backend === null ? '' : `${backend}: `;
}

/** The text as one line of at most `limit` characters. */
export function oneLine(text: string, limit: number): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= limit ? line : `${line.slice(0, limit - 1)}…`;
}
