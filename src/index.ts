/** widemerge as a library: `import { mergeCheckpoints } from 'widemerge'`. */
export { MergeError } from './backends/backend.ts';
export type { EngineCommand, FailureFacts, FailureType, MergeFigures, RowsMode, VerifyMode } from './contract.ts';
export { mergeCheckpoints, type MergeOptions } from './library/merge-checkpoints.ts';
export type { Progress } from './merge/job.ts';
