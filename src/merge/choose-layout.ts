/**
 * Which sequence of keys, and which row groups, the output takes over: those that leave the fewest bytes to be rewritten.
 * Pure: numbers in, numbers out.
 */

export interface LaidOutFile {
  /** Equal for files with the same keys in the same order. */
  sequence: string;
  /** Rows of each of its row groups. */
  rowGroupRows: number[];
  bytes: number;
}

export interface ChosenLayout {
  /** Index of a file that has the sequence, and the row groups where one has both. */
  file: number;
  rowGroupRows: number[];
  /** Whether that file has the row groups, too. */
  isOwn: boolean;
}

/**
 * Only the sequences that are `accepted` have the wanted keys. `asked`: rows of each row group but the last; null leaves the choice.
 * The layout with the most bytes wins, then the sequence with the most, then the first file. Null where no file is accepted.
 */
export function chooseLayout(
  files: LaidOutFile[],
  accepted: (sequence: string) => boolean,
  asked: number | null,
): ChosenLayout | null {
  const wanted = files.map(({ rowGroupRows }) =>
    asked === null
      ? rowGroupRows
      : cutRows(
          rowGroupRows.reduce((sum, rows) => sum + rows, 0),
          asked,
        ),
  );
  const keyOf = (sequence: string, rows: number[]): string => `${sequence} ${rows.join(',')}`;
  const ofSequence = new Map<string, number>();
  const ofLayout = new Map<string, { bytes: number; first: number }>();
  for (const [index, { sequence, rowGroupRows, bytes }] of files.entries()) {
    ofSequence.set(sequence, (ofSequence.get(sequence) ?? 0) + bytes);
    const key = keyOf(sequence, rowGroupRows);
    const entry = ofLayout.get(key) ?? { bytes: 0, first: index };
    entry.bytes += bytes;
    ofLayout.set(key, entry);
  }
  let best: (ChosenLayout & { bytes: number; sequenceBytes: number }) | null = null;
  for (const [index, { sequence }] of files.entries()) {
    if (!accepted(sequence)) continue;
    const rowGroupRows = wanted[index]!;
    const own = ofLayout.get(keyOf(sequence, rowGroupRows));
    const bytes = own?.bytes ?? 0;
    const sequenceBytes = ofSequence.get(sequence)!;
    if (best !== null && (bytes < best.bytes || (bytes === best.bytes && sequenceBytes <= best.sequenceBytes)))
      continue;
    best = { file: own?.first ?? index, rowGroupRows, isOwn: own !== undefined, bytes, sequenceBytes };
  }
  return best && { file: best.file, rowGroupRows: best.rowGroupRows, isOwn: best.isOwn };
}

/** So many rows, in row groups of `most` and one with the rest. */
export function cutRows(rows: number, most: number): number[] {
  const groups: number[] = [];
  for (let rest = rows; rest > 0; rest -= most) groups.push(Math.min(rest, most));
  return groups;
}
