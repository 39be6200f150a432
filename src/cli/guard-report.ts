import { formatBytes, formatDuration } from '../config/units.ts';
import type { GuardLimits, GuardReport } from '../guard/command.ts';

/** The report for people: outcome, figures, why it was ended, and the safeguards that were in force. */
export function reportLines(report: GuardReport, limits: GuardLimits): string[] {
  const { outcome, peakBytes, wallMs, cpuMs, means, reason, limitedBy } = report;
  const peak = `peak ${formatBytes(peakBytes)} of ${formatBytes(limits.memoryBytes)}`;
  const ending = outcome === 'failed' ? `failed with exit code ${report.exitCode ?? 'unknown'}` : outcome;
  const lines = [`${ending}: ${peak}, ${formatDuration(wallMs)}, CPU ${formatDuration(cpuMs)}`];
  if (reason !== null && reason !== outcome)
    lines.push(limitedBy === null ? reason : `ended by ${limitedBy}: ${reason}`);
  lines.push(`under ${means.map(describeMeans).join(', ')}`);
  return lines.map((line) => `widemerge guard: ${line}`);
}

/** What a name alone does not say. */
function describeMeans(name: string): string {
  if (name === 'rlimit-data') return 'rlimit-data (of each process)';
  if (name === 'parent-death-signal') return 'parent-death-signal (of the first process)';
  return name;
}
