/** widemerge as a library: `import { mergeCheckpoints } from 'widemerge'`. */
export { MergeError } from './backends/backend.ts';
export type { FailureType, RowsMode, VerifyMode } from './contract.ts';
export type { EngineCommand, FailureFacts, MergeFigures } from './payloads.ts';
export { mergeCheckpoints, type MergeOptions } from './library/merge-checkpoints.ts';
export type { Progress } from './merge/job.ts';
