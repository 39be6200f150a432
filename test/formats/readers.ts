/** What one merged file is compared with, by every reader in the same way. */
export interface ReadTask {
  output: string;
  sources: string[];
}

/** `same`, `other type`, `unreadable` (as a source is, too), or what is wrong. */
export type Verdict = string;
