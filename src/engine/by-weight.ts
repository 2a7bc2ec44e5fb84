import type { Session } from '../store/database.ts';
import { loadWeights } from '../store/outcome-shares.ts';

/** What the steps of several runs may take in memory at once. A run that is larger comes alone. */
const GROUP_BYTES_MAX = 33_554_432;
/** A step, with its reason and an outcome that stands in no account. */
const STEP_BYTES = 4096;

/** Parts items, in order, so that the runs of each part fit into memory together, whatever their outcomes hold. */
export async function byWeight<T extends { readonly run: number }>(
  session: Session,
  items: readonly T[],
): Promise<readonly (readonly T[])[]> {
  const runs = new Set(items.map(({ run }) => run));
  if (runs.size <= 1) return [items];
  const bytes = await loadWeights(session, [...runs], STEP_BYTES);
  return parted(items, (run) => bytes.get(run) ?? 0);
}

function parted<T extends { readonly run: number }>(
  items: readonly T[],
  bytesOf: (run: number) => number,
): readonly (readonly T[])[] {
  const parts: T[][] = [];
  let runs = new Set<number>();
  let sum = 0;
  for (const item of items) {
    const more = runs.has(item.run) ? 0 : bytesOf(item.run);
    if (parts.length === 0 || (more > 0 && sum + more > GROUP_BYTES_MAX)) {
      parts.push([]);
      runs = new Set();
      sum = 0;
    }
    parts.at(-1)?.push(item);
    runs.add(item.run);
    sum += more;
  }
  return parts;
}
