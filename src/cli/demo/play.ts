import type { Client } from '@temporalio/client';
import type { RunStatus } from '../../client/read-status.ts';
import type { RunResult } from '../../payloads.ts';
import type { Display } from '../terminal.ts';
import type { Stage } from './stage.ts';
import type { WorkerProcess } from './worker-process.ts';

/** A demo: a stage, what happens on it, and what must have come of it. */
export interface Play<S extends Stage> {
  /** Writes the samples and the configuration, and starts what the run needs beside Temporal. */
  setStage: (folder: string, display: Display) => Promise<S>;
  script: (parts: ScriptParts<S>) => DemoScript;
  /** What is printed when the run has ended. */
  closingLines: (ended: EndedRun<S>) => Promise<string[]>;
  /** Throws where the run did not show what the play promises. */
  checkOutcome: (result: RunResult, stage: S, script: DemoScript) => void;
}

export interface ScriptParts<S extends Stage> {
  client: Client;
  stage: S;
  worker: WorkerProcess;
  display: Display;
  /** Is told what went wrong, so that the demo ends with it. */
  fail: (error: unknown) => void;
}

/** It is told every status, and what it does takes its time beside the watching. */
export interface DemoScript {
  /** All has been shown. */
  readonly isOver: boolean;
  watch(status: RunStatus): void;
  /** Waits for what has begun. */
  end(): Promise<void>;
}

export interface EndedRun<S extends Stage> {
  client: Client;
  stage: S;
  last: RunStatus;
  seconds: number;
}
