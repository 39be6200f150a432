/** A logarithmic axis between two places, with a tick at each power of ten and, where those are few, at 2 and 5 of each. Pure. */
export interface LogAxis {
  place: (value: number) => number;
  ticks: number[];
}

/** For values above 0; the axis reaches from the tick below the least to that above the most of them. */
export function logAxis(values: readonly number[], from: number, to: number): LogAxis {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const wide = Math.log10(most / least) > 2.5;
  const steps = wide ? [1] : [1, 2, 5];
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++)
    // By their text: 10 ** -3 * 5 is 0.005 but for the last digit.
    all.push(...steps.map((step) => Number(`${step}e${power}`)));
  const first = all.findLast((tick) => tick <= least) ?? all[0]!;
  const last = all.find((tick) => tick >= most && tick > first) ?? all.at(-1)!;
  const place = (value: number): number =>
    from + ((Math.log(value) - Math.log(first)) / (Math.log(last) - Math.log(first))) * (to - from);
  return { place, ticks: all.filter((tick) => tick >= first && tick <= last) };
}
