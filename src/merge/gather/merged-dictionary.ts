import { newCells, type Cells, type CellType } from './cells.ts';

/** Larger dictionaries save nothing: indices of 17 bits and more, and the values once more. */
const MOST_ENTRIES = 65_536;

/** A chunk's own dictionary. */
export interface Dictionary {
  entries: Cells;
  count: number;
  /** Of each entry its number among those of all chunks; null where it is the same. */
  renumbered: Uint32Array | null;
}

/** The dictionaries of all chunks of a column as one, each value once, in the order in which they came. */
export class MergedDictionary {
  entries: Cells;
  private readonly type: CellType;
  private numbers: Map<string, number> | null = null;

  constructor(type: CellType) {
    this.type = type;
    this.entries = newCells(type, 0);
  }

  /** Null where it would become too large; its entries are then those of before. */
  add(entries: Cells, count: number): Dictionary | null {
    if (count > MOST_ENTRIES) return null;
    const { perValue } = this.type;
    if (this.entries.length === 0) {
      this.entries = entries;
      return { entries, count, renumbered: null };
    }
    const known = (this.numbers ??= numberEntries(this.entries, perValue));
    const added: number[] = [];
    const renumbered = Uint32Array.from({ length: count }, (_, i) => {
      const text = entryText(entries, perValue, i);
      let index = known.get(text);
      if (index === undefined) {
        known.set(text, (index = this.entries.length / perValue + added.length));
        added.push(i);
      }
      return index;
    });
    if (this.entries.length / perValue + added.length > MOST_ENTRIES) {
      this.numbers = null;
      return null;
    }
    if (added.length > 0) this.entries = append(this.type, this.entries, entries, added);
    return { entries, count, renumbered };
  }
}

function numberEntries(entries: Cells, perValue: number): Map<string, number> {
  const known = new Map<string, number>();
  for (let i = 0; i < entries.length / perValue; i++) known.set(entryText(entries, perValue, i), i);
  return known;
}

function entryText(entries: Cells, perValue: number, index: number): string {
  let text = '';
  for (let cell = 0; cell < perValue; cell++) text += `${entries[index * perValue + cell]!},`;
  return text;
}

function append(type: CellType, entries: Cells, more: Cells, added: number[]): Cells {
  const { perValue } = type;
  const all = newCells(type, entries.length / perValue + added.length);
  all.set(entries);
  let at = entries.length;
  for (const i of added) for (let cell = 0; cell < perValue; cell++) all[at++] = more[i * perValue + cell]!;
  return all;
}
