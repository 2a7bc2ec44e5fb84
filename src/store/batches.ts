import type { Database, SqlValue } from './database.ts';

/** One statement of a batch takes no more rows, so that its locks are short. */
export const ROWS_AT_ONCE = 1000;
/** What is left after so many is for the next call. */
const BATCHES_MAX = 100;

/** Repeats a statement that takes up to `ROWS_AT_ONCE` rows and returns one for each; answers how many it took. */
export async function inBatches(
  db: Database,
  name: string,
  text: string,
  values: readonly SqlValue[],
): Promise<number> {
  let total = 0;
  for (let batch = 0; batch < BATCHES_MAX; batch++) {
    const rows = await db.query(name, text, values);
    total += rows.length;
    if (rows.length < ROWS_AT_ONCE) break;
  }
  return total;
}
