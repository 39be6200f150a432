/** Bars of five minutes of a market that is closed at weekends. */
const BAR_US = 300_000_000n;
const BARS_A_WEEK = 5 * 288;
/** Monday, 3 January 2022, 00:00 UTC. */
const FIRST_US = 1_641_168_000_000_000n;

/** SQL of the time of bar `i` (an integer expression): timestamp with time zone, microseconds. */
export function barTimeSql(i: string): string {
  const week = BAR_US * 288n * 7n;
  return `make_timestamptz((${FIRST_US} + (${i} // ${BARS_A_WEEK}) * ${week} + (${i} % ${BARS_A_WEEK}) * ${BAR_US})::BIGINT)`;
}
