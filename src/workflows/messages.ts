import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { PairProgress, RunProgress } from '../payloads.ts';
import { MESSAGES } from '../contract.ts';

/**
 * Signals and queries. What operators send is typed `unknown`: it may come from any command line, and is checked by
 * the state that it is for, which refuses with a note and never throws.
 */
export const pause = defineSignal<[unknown?]>(MESSAGES.pause);
export const resume = defineSignal<[unknown?]>(MESSAGES.resume);
export const pivotBackend = defineSignal<[unknown?]>(MESSAGES.pivotBackend);
export const skipPair = defineSignal<[unknown?]>(MESSAGES.skipPair);
export const retryPair = defineSignal<[unknown?]>(MESSAGES.retryPair);
export const approve = defineSignal<[unknown?]>(MESSAGES.approve);

/** Internal: a child tells its parent its state. */
export const pairProgress = defineSignal<[unknown?]>('pairProgress');

export const progress = defineQuery<RunProgress>(MESSAGES.progress);
export const pairStateQuery = defineQuery<PairProgress>(MESSAGES.progress);
