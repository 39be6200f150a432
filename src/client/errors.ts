/** A run that is wanted is not there, or not as it is wanted. One line: what, and what to do. */
export class RunError extends Error {
  override name = 'RunError';
  readonly reason:
    | 'notFound'
    | 'notRunning'
    | 'refused'
    | 'noWorker'
    | 'otherConfiguration'
    | 'scheduleNotFound'
    | 'scheduleExists'
    | 'scheduleInvalid';
  constructor(reason: RunError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
