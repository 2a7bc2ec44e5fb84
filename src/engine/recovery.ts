import type { Database } from '../store/database.ts';
import { endClaims } from '../store/outbox.ts';
import { orphanedSteps, removeNearWorkers } from '../store/workers.ts';
import type { Settler } from './settler.ts';

/** Nobody else has this database: whoever held a lease from this machine is dead, and that was not the step's fault. */
export async function recoverEmbedded(db: Database, settler: Settler): Promise<void> {
  await removeNearWorkers(db);
  await endClaims(db, null);
  const abandoned = await orphanedSteps(db);
  await Promise.all(
    abandoned.map((step) =>
      settler.settle(step.run, { type: 'lost', idx: step.idx, fence: step.fence, isCounted: false }),
    ),
  );
}
