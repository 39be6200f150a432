import { FAILURES } from '../contract.ts';
import type { FailureFacts, MergeFigures } from '../payloads.ts';
import type {
  CleanReceipt,
  Discovery,
  MergeMessage,
  Prepared,
  Progress,
  PublishedCheck,
  Survey,
} from '../merge/job.ts';

/** What a merge process has said so far. Words that are none of a MergeMessage are passed over. */
export class Conversation {
  survey: Survey | null = null;
  discovery: Discovery | null = null;
  prepared: Prepared | null = null;
  /** Of the last step that has ended. */
  figures: MergeFigures | null = null;
  receipt: CleanReceipt | null = null;
  check: PublishedCheck | null = null;
  failure: FailureFacts | null = null;
  readonly #onProgress: ((progress: Progress) => void) | undefined;

  constructor(onProgress?: (progress: Progress) => void) {
    this.#onProgress = onProgress;
  }

  /** Whether it has given any result. */
  get hasResult(): boolean {
    const { survey, discovery, prepared, figures, receipt, check } = this;
    return [survey, discovery, prepared, figures, receipt, check].some((result) => result !== null);
  }

  hear(value: unknown): void {
    if (typeof value !== 'object' || value === null || !('event' in value)) return;
    const message = value as Partial<MergeMessage>;
    if (message.event === 'progress') this.#onProgress?.(message as Progress);
    else if (message.event === 'surveyed') this.survey = message.survey ?? null;
    else if (message.event === 'discovered') this.discovery = message.discovery ?? null;
    else if (message.event === 'prepared') this.prepared = message.prepared ?? null;
    else if (message.event === 'cleaned') this.receipt = message.receipt ?? null;
    else if (message.event === 'rechecked') this.check = message.check ?? null;
    else if (message.event === 'failed') this.failure = isFailure(message.failure) ? message.failure : null;
    else if (message.event === 'merged' || message.event === 'verified' || message.event === 'published') {
      this.figures = message.figures ?? null;
    }
  }
}

function isFailure(facts: FailureFacts | undefined): facts is FailureFacts {
  return facts !== undefined && Object.hasOwn(FAILURES, facts.type) && typeof facts.message === 'string';
}
