/** Works on all items, so many at once, and gives the results in their order. */
export async function inParallel<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      const item = items[at];
      if (item !== undefined) {
        results[at] = await work(item);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
