const MOST = 200;

/** Memory over time in at most 200 points, however long it takes: each is the highest sample of its span, so that no peak is lost. */
export class Series {
  /** Samples that became one point. */
  #span = 1;
  #points: [ms: number, bytes: number][] = [];
  #open: { count: number; highest: [ms: number, bytes: number] } | null = null;

  push(ms: number, bytes: number): void {
    const point: [number, number] = [Math.round(ms), bytes];
    this.#open ??= { count: 0, highest: point };
    if (bytes > this.#open.highest[1]) this.#open.highest = point;
    if (++this.#open.count < this.#span) return;
    this.#points.push(this.#open.highest);
    this.#open = null;
    if (this.#points.length < 2 * MOST) return;
    this.#span *= 2;
    this.#points = halve(this.#points);
  }

  points(): [ms: number, bytes: number][] {
    const all = this.#open === null ? this.#points : [...this.#points, this.#open.highest];
    return all.length > MOST ? halve(all).slice(0, MOST) : all;
  }
}

function halve(points: [number, number][]): [number, number][] {
  return points.flatMap((point, index) => {
    if (index % 2 === 1) return [];
    const next = points[index + 1];
    return [next !== undefined && next[1] > point[1] ? next : point];
  });
}
