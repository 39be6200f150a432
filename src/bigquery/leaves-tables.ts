import type { BigqueryConfig } from '../payloads.ts';

/** Tables and views are to stay: the merged tables have the key, too. */
export const leavesTables = ({ output }: Pick<BigqueryConfig, 'output'>): boolean =>
  output === 'tables' || output === 'both';
