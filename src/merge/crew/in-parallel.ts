/**
 * Does `work` for each item, at most `atOnce` at a time, begun in their order. Once one has failed no other is begun, and the
 * failure of the first of them, in the order of the items, is thrown when all that were under way have ended.
 */
export async function inParallel<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const failures: { index: number; error: unknown }[] = [];
  const queue = [...items].entries();
  const takeTurns = async (): Promise<void> => {
    for (const [index, item] of queue) {
      try {
        await work(item);
      } catch (error) {
        failures.push({ index, error });
      }
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, atOnce) }, takeTurns));
  const [first] = failures.sort((a, b) => a.index - b.index);
  if (first !== undefined) throw first.error;
}
