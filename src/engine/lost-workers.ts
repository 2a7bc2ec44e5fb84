import type { Database } from '../store/database.ts';
import { heldSteps, holdingWorkers, removeWorkers } from '../store/workers.ts';
import type { Settler } from './settler.ts';

/**
 * Says of workers, by name, which are gone for certain, so that nobody has to wait until their leases expire. What those
 * left running has ended when it answers: their steps are given out again.
 */
export type ReclaimWorkers = (names: readonly string[]) => Promise<readonly boolean[]>;

/** Gives back what a worker holds, without counting it against the steps, and ends its session. */
export async function releaseWorker(db: Database, settler: Settler, worker: number): Promise<void> {
  const steps = await heldSteps(db, worker);
  await Promise.all(
    steps.map((step) => settler.settle(step.run, { type: 'lost', idx: step.idx, fence: step.fence, isCounted: false })),
  );
  await removeWorkers(db, [worker]);
}

/** Releases those workers that hold steps of the run (null: of any) and are gone for certain. */
export async function releaseLostWorkers(
  db: Database,
  settler: Settler,
  run: number | null,
  reclaim: ReclaimWorkers,
): Promise<void> {
  const workers = await holdingWorkers(db, run);
  if (workers.length === 0) return;
  const isGone = await reclaim(workers.map(({ name }) => name));
  const gone = workers.filter((_, i) => isGone[i] === true);
  await Promise.all(gone.map(({ id }) => releaseWorker(db, settler, id)));
}
