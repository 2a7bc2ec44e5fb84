/** `sorted` ascending. Null where there is nothing. */
export function percentile(sorted: readonly number[], percent: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor((percent / 100) * sorted.length))] ?? null;
}

export function median(values: readonly number[]): number | null {
  return percentile(
    values.toSorted((a, b) => a - b),
    50,
  );
}

export function rounded(value: number | null, digits: number): number | null {
  return value === null || !Number.isFinite(value) ? null : Number(value.toFixed(digits));
}

/** Calls `deed` for 0 … count-1, at most `limit` at a time. */
export async function forEachLimited(
  count: number,
  limit: number,
  deed: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await deed(next++);
  };
  await Promise.all(Array.from({ length: Math.min(limit, count) }, lane));
}
