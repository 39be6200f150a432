/**
 * What the service's error reasons want done. Source: "Error messages" of BigQuery's documentation and its advice on
 * job ids: an insert whose answer was lost is repeated under the same id, a job that has failed needs a new one.
 */
import type { FailureType } from '../contract.ts';

export type Remedy =
  /** The service's own trouble: the same request again; a job that has failed of it, as a new job. */
  | 'again'
  /** The job was too large for the service: cut it narrower. */
  | 'narrower'
  /** Nothing that may be repeated: the pair fails on this backend with `failure`. */
  | 'fail';

interface Treatment {
  remedy: Remedy;
  failure: FailureType;
  advice: string;
}

const later: Treatment = {
  remedy: 'again',
  failure: 'BackendUnavailable',
  advice: 'the service is in trouble: try again later',
};
const fails = (failure: FailureType, advice: string): Treatment => ({ remedy: 'fail', failure, advice });

const TREATMENTS: Record<string, Treatment> = {
  backendError: later,
  internalError: later,
  jobBackendError: later,
  jobInternalError: later,
  jobRateLimitExceeded: later,
  rateLimitExceeded: later,
  tableUnavailable: later,
  timeout: later,
  // A token is renewed with the next request; where it cannot be, the tries are soon used up.
  authError: { ...later, advice: 'renew the credentials: gcloud auth application-default login' },
  // Not of the service: there is nothing to ask it with.
  noCredentials: fails(
    'ConfigInvalid',
    'give the worker credentials: gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS',
  ),
  // What cannot be narrowed any more is too much for the service, as for any backend that runs out of memory.
  resourcesExceeded: { remedy: 'narrower', failure: 'MemoryExhausted', advice: 'narrower parts are needed' },
  responseTooLarge: { remedy: 'narrower', failure: 'MemoryExhausted', advice: 'narrower parts are needed' },
  quotaExceeded: fails('BackendUnavailable', 'a quota of the project is used up: wait, or have it raised'),
  billingNotEnabled: fails('BackendUnavailable', 'enable billing for the project'),
  billingTierLimitExceeded: fails('BackendUnavailable', 'raise the billing tier, or use narrower parts'),
  bytesBilledLimitExceeded: fails('BudgetExceeded', 'it would scan more than was reserved for it'),
  accessDenied: fails('ConfigInvalid', "grant the worker's account the roles that the documentation lists"),
  // A dataset that exists elsewhere is not found here: the service names no location.
  notFound: fails(
    'ConfigInvalid',
    'it is not there, or not in this location: compare bigquery.location with the dataset and the bucket',
  ),
  duplicate: fails('CommandFailed', 'what it makes is there already'),
  invalid: fails('CommandFailed', 'the request is refused as it is'),
  invalidQuery: fails('CommandFailed', 'the query is refused as it is'),
  badRequest: fails('CommandFailed', 'the request is refused as it is'),
  notImplemented: fails('CommandFailed', 'the service cannot do this'),
  resourceInUse: fails('CommandFailed', 'what it works on is in use'),
  stopped: fails('Killed', 'somebody cancelled the job'),
};

const UNKNOWN = fails('CommandFailed', 'an error reason that is not known');

export const treatmentOf = (reason: string): Treatment => TREATMENTS[reason] ?? UNKNOWN;

/** A failure of the service, typed for the route. */
export class BigQueryError extends Error {
  readonly type: FailureType;
  /** The service's own word, e.g. `accessDenied`. */
  readonly reason: string;
  readonly remedy: Remedy;
  constructor(what: string, reason: string, message: string, options?: ErrorOptions) {
    const { remedy, failure, advice } = treatmentOf(reason);
    super(`BigQuery: ${what}: ${reason}: ${message.split('\n')[0]?.trim()} (${advice})`, options);
    this.name = failure;
    this.type = failure;
    this.reason = reason;
    this.remedy = remedy;
  }
}

const NETWORK = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** Of the authentication library: no credentials, or such as are not renewed any more. */
const CREDENTIALS =
  /default credentials|credential file|incoming JSON object|invalid_(grant|rapt|client)|unable to detect a project id/i;

/** Words of Cloud Storage for what BigQuery calls otherwise; a condition that is not met is that nothing is there yet. */
const OTHER_WORDS: Record<string, string> = {
  forbidden: 'accessDenied',
  insufficientPermissions: 'accessDenied',
  userRateLimitExceeded: 'rateLimitExceeded',
  conditionNotMet: 'duplicate',
};

/** The reason of an error that the client threw; a cut connection counts as the service's trouble. Null: none of its errors. */
export function reasonOf(error: unknown): string | null {
  const { code, errors, cause } = error as { code?: unknown; errors?: { reason?: string }[]; cause?: unknown };
  if (CREDENTIALS.test(String((error as { message?: unknown }).message))) return 'noCredentials';
  if (typeof code === 'string' && NETWORK.has(code)) return 'backendError';
  const said = errors?.[0]?.reason;
  const reason = said === undefined ? undefined : (OTHER_WORDS[said] ?? said);
  if (reason !== undefined && reason in TREATMENTS) return reason;
  const status = Number(code);
  if (status === 401) return 'authError';
  if (status === 403) return reason ?? 'accessDenied';
  if (status === 404) return 'notFound';
  if (status === 408) return 'timeout';
  if (status === 409 || status === 412) return 'duplicate';
  if (status === 429) return 'rateLimitExceeded';
  if (status >= 500) return 'backendError';
  if (status >= 400) return reason ?? 'invalid';
  return cause === undefined || cause === null ? null : reasonOf(cause);
}
