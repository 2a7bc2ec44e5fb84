/** The item of a list at a place that is in it. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`expected an item at ${index}`);
  return item;
}
