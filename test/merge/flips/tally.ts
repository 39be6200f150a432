/** Counts, by the kind of place, how many flips were made, and how many of them were found. */
export class Tally {
  readonly #rows = new Map<string, { flips: number; found: number }>();

  add(kind: string, found: boolean): void {
    const row = this.#rows.get(kind) ?? { flips: 0, found: 0 };
    this.#rows.set(kind, { flips: row.flips + 1, found: row.found + (found ? 1 : 0) });
  }

  get flips(): number {
    return [...this.#rows.values()].reduce((sum, { flips }) => sum + flips, 0);
  }

  get found(): number {
    return [...this.#rows.values()].reduce((sum, { found }) => sum + found, 0);
  }

  lines(): string[] {
    const width = Math.max(...[...this.#rows.keys()].map((kind) => kind.length));
    const line = (kind: string, flips: number, found: number): string =>
      `${kind.padEnd(width)} ${String(flips).padStart(6)} flips ${String(found).padStart(6)} found`;
    const rows = [...this.#rows].sort(([a], [b]) => (a < b ? -1 : 1));
    return [...rows.map(([kind, { flips, found }]) => line(kind, flips, found)), line('all', this.flips, this.found)];
  }
}
