import { isStepFinal, type StepStatus } from '../../protocol/run.ts';
import type { StepRow } from './run-model.ts';

export interface Fold {
  /** In the order given. */
  readonly shown: readonly StepRow[];
  readonly hiddenDone: number;
  readonly hiddenOpen: number;
}

/** Who is kept first where not all fit: what happens now, what went wrong, then what is nearest to now. */
const RANK: Readonly<Record<StepStatus, number>> = {
  running: 0,
  held: 1,
  failed: 2,
  denied: 2,
  ready: 3,
  pending: 4,
  cancelled: 4,
  succeeded: 4,
  skipped: 4,
};

/**
 * Chooses the steps that fit into `lines`, counting the lines that say how many are hidden.
 *
 * Among quiet steps the ones around the front stay: those that finished last and those that come next.
 */
export function foldRows(rows: readonly StepRow[], lines: number): Fold {
  if (rows.length <= lines) return { shown: rows, hiddenDone: 0, hiddenOpen: 0 };
  const front = frontOf(rows);
  const order = rows.map((row, index) => ({ row, index, distance: Math.abs(index - front) }));
  order.sort((a, b) => RANK[a.row.status] - RANK[b.row.status] || a.distance - b.distance || a.index - b.index);
  for (let room = lines - 1; room >= 0; room--) {
    const fold = take(rows, new Set(order.slice(0, room).map(({ index }) => index)));
    const notes = (fold.hiddenDone > 0 ? 1 : 0) + (fold.hiddenOpen > 0 ? 1 : 0);
    if (fold.shown.length + notes <= lines) return fold;
  }
  return { shown: [], hiddenDone: 0, hiddenOpen: rows.length };
}

/** Index of the first step that is not over. */
function frontOf(rows: readonly StepRow[]): number {
  const index = rows.findIndex(({ status }) => !isStepFinal(status));
  return index < 0 ? rows.length : index;
}

function take(rows: readonly StepRow[], kept: ReadonlySet<number>): Fold {
  const shown: StepRow[] = [];
  let hiddenDone = 0;
  let hiddenOpen = 0;
  for (const [index, row] of rows.entries()) {
    if (kept.has(index)) shown.push(row);
    else if (isStepFinal(row.status)) hiddenDone++;
    else hiddenOpen++;
  }
  return { shown, hiddenDone, hiddenOpen };
}
