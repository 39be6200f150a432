/**
 * The run as BigQuery's jobs and the budget know it: a run's start tells it from every other of its name. `epoch` is that
 * start in seconds, minted once and carried.
 */
export function runId(name: string, epoch: number): string {
  return `${name}@${new Date(epoch * 1000).toISOString().slice(0, 19)}Z`;
}
