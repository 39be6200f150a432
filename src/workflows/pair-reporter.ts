import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  setCurrentDetails,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { PairProgress } from '../payloads.ts';
import { describePair } from './details.ts';
import { pairProgress } from './messages.ts';
import { whyText } from './pair-entry.ts';
import { upsertMergeAttributes } from './search-attributes.ts';

const STORY_KEPT = 30;

/**
 * Tells everybody who may be looking how a pair is doing: the parent by signal, the UI by search attributes and
 * details, and `status` without a worker by the memo. Only changes are told, and a signal to the parent carries the
 * newest state when several changes came while the one before was on its way.
 */
export class PairReporter {
  progress: PairProgress;
  private readonly searchAttributes: boolean;
  private story: string[] = [];
  private sending = false;
  private unsent = false;

  constructor(progress: PairProgress, searchAttributes: boolean) {
    this.progress = progress;
    this.searchAttributes = searchAttributes;
    if (searchAttributes) upsertMergeAttributes({ pair: progress.pair });
  }

  tell(change: Partial<PairProgress>): void {
    const before = this.progress;
    this.progress = { ...before, ...change };
    const { state, backend, reason, failure } = this.progress;
    const moved = state !== before.state || backend !== before.backend;
    if (!moved && reason === before.reason) return;

    if (moved && this.searchAttributes) upsertMergeAttributes({ state, backend });
    upsertMemo({ progress: { state, backend, reason, failure } });
    const why = whyText(this.progress);
    this.tellStory(`${state}${backend ? ` (${backend})` : ''}${why === '' ? '' : `: ${why}`}`);
    this.unsent = true;
    void this.send();
  }

  /** Why the pair is where it is; told with the next change. */
  routed(evidence: string | null): void {
    delete this.progress.routed;
    if (evidence !== null) this.progress = { ...this.progress, routed: evidence };
  }

  /** Adds what was spent; told with the next change. */
  spend(nanos: number): void {
    if (nanos > 0) this.progress = { ...this.progress, spentNanos: (this.progress.spentNanos ?? 0) + nanos };
  }

  tellStory(line: string): void {
    this.story = [...this.story, `${new Date().toISOString().slice(0, 19)} ${line}`].slice(-STORY_KEPT);
    setCurrentDetails(describePair(this.progress, this.story));
  }

  /** Resolves when the parent has been told all there is to tell. */
  async settled(): Promise<void> {
    await condition(() => !this.sending);
  }

  private async send(): Promise<void> {
    const parent = workflowInfo().parent;
    if (!parent || this.sending) return;
    this.sending = true;
    try {
      await CancellationScope.nonCancellable(async () => {
        while (this.unsent) {
          this.unsent = false;
          await getExternalWorkflowHandle(parent.workflowId).signal(pairProgress, this.progress);
        }
      });
    } catch {
      // The parent has closed: there is nobody to tell, and the pair goes on.
    } finally {
      this.sending = false;
    }
  }
}
