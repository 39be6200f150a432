export interface Point {
  x: number;
  /** Above 0. */
  y: number;
}

export interface Line {
  intercept: number;
  slope: number;
}

/**
 * The line through measured points, by least squares of the relative errors: ten per cent off count the same at a small
 * point as at a large one. It never falls: where the points do, it is level. Throws RangeError below two different x.
 */
export function fitLine(points: readonly Point[]): Line {
  if (new Set(points.map(({ x }) => x)).size < 2) throw new RangeError('a line takes two points');
  const weighed = points.map(({ x, y }) => ({ x, y, weight: 1 / (y * y) }));
  const sum = (term: (point: (typeof weighed)[number]) => number): number =>
    weighed.reduce((total, point) => total + term(point), 0);
  const weights = sum(({ weight }) => weight);
  const meanX = sum(({ x, weight }) => x * weight) / weights;
  const meanY = sum(({ y, weight }) => y * weight) / weights;
  const slope =
    sum(({ x, y, weight }) => weight * (x - meanX) * (y - meanY)) / sum(({ x, weight }) => weight * (x - meanX) ** 2);
  return slope > 0 ? { slope, intercept: meanY - slope * meanX } : { slope: 0, intercept: meanY };
}

export const at = ({ intercept, slope }: Line, x: number): number => intercept + slope * x;

/** How far the line is from a point: 0.1 is ten per cent too much, -0.1 too little. */
export const errorAt = (line: Line, { x, y }: Point): number => at(line, x) / y - 1;

/** The largest of them, without its sign. */
export const worstError = (line: Line, points: readonly Point[]): number =>
  Math.max(...points.map((point) => Math.abs(errorAt(line, point))));
