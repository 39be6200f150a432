/** What the worker registers as workflows: every export of this file. */
export { budget } from './budget.ts';
export { mergePair } from './merge-pair.ts';
export { mergePairs } from './merge-pairs.ts';
export { scheduledStart } from './scheduled-start.ts';
