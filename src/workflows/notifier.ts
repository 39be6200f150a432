import { CancellationScope, condition, rootCause } from '@temporalio/workflow';
import type { Happening, RunConfig } from '../payloads.ts';
import { runWorkflowId } from '../contract.ts';
import { notifyActivities } from './activity-proxies.ts';

/**
 * Calls the operator's `notify.command` beside what goes on: nothing waits for it but the end of the workflow, for as long as its
 * few tries take at most. Does nothing, and adds nothing to a history, where none is configured.
 */
export class Notifier {
  private readonly config: RunConfig;
  private readonly failed: (note: string) => void;
  private open = 0;

  /** `failed` is told why the command could not be called. */
  constructor(config: RunConfig, failed: (note: string) => void) {
    this.config = config;
    this.failed = failed;
  }

  tell(happening: Happening): void {
    if (this.config.notify === undefined) return;
    this.open += 1;
    void this.send(this.config.notify, happening);
  }

  /** Resolves when every call has ended, one way or the other. */
  async settled(): Promise<void> {
    if (this.open === 0) return;
    await CancellationScope.nonCancellable(() => condition(() => this.open === 0));
  }

  private async send(notify: NonNullable<RunConfig['notify']>, happening: Happening): Promise<void> {
    const { name } = this.config;
    const { event } = happening;
    const notification = { run: name, workflowId: runWorkflowId(name), at: new Date().toISOString(), ...happening };
    try {
      // A run that is cancelled tells so.
      await CancellationScope.nonCancellable(() =>
        notifyActivities(this.config).notify.executeWithOptions({ summary: `tell the operator: ${event}` }, [
          { notify, notification },
        ]),
      );
    } catch (error) {
      this.failed(`${event} was not told: ${rootCause(error) ?? String(error)}`);
    } finally {
      this.open -= 1;
    }
  }
}
