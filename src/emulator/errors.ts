/**
 * The service's error reasons and the status that each comes with, from its documentation ("Error messages"). Where
 * several are possible, the usual one.
 */
export const ERROR_STATUS = {
  accessDenied: 403,
  authError: 401,
  backendError: 503,
  badRequest: 400,
  billingNotEnabled: 403,
  billingTierLimitExceeded: 400,
  bytesBilledLimitExceeded: 400,
  duplicate: 409,
  // Cloud Storage's word for accessDenied.
  forbidden: 403,
  internalError: 500,
  invalid: 400,
  invalidQuery: 400,
  jobBackendError: 400,
  jobInternalError: 400,
  jobRateLimitExceeded: 400,
  notFound: 404,
  notImplemented: 501,
  quotaExceeded: 403,
  rateLimitExceeded: 403,
  resourceInUse: 400,
  resourcesExceeded: 400,
  responseTooLarge: 403,
  stopped: 400,
  tableUnavailable: 400,
  timeout: 400,
} as const;

export type ErrorReason = keyof typeof ERROR_STATUS;

/** What a job's `status.errorResult` holds. */
export interface ErrorResult {
  reason: string;
  message: string;
  location?: string;
}

/** A refusal of the service: as the answer to a request, or as the end of a job. */
export class ServiceError extends Error {
  readonly reason: string;
  readonly status: number;
  constructor(reason: string, message: string, status = statusOf(reason)) {
    super(message);
    this.name = 'ServiceError';
    this.reason = reason;
    this.status = status;
  }
}

/** The body of an HTTP error as the service words it. */
export function errorBody(error: ServiceError): object {
  const { message, reason, status } = error;
  return { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } };
}

export function errorResult(error: ServiceError): ErrorResult {
  return { reason: error.reason, message: error.message };
}

/** What an answer of the emulator refuses: an HTTP error, or null where it is none. */
export function refusalOf(status: number, body: unknown): ServiceError | null {
  if (status < 400) return null;
  const { error } = (body ?? {}) as { error?: { message?: string; errors?: { reason?: string }[] } };
  return new ServiceError(error?.errors?.[0]?.reason ?? 'internalError', error?.message ?? `HTTP ${status}`, status);
}

function statusOf(reason: string): number {
  return reason in ERROR_STATUS ? ERROR_STATUS[reason as ErrorReason] : 500;
}
