import { readActivity } from '../store/activity.ts';
import type { Database } from '../store/database.ts';
import { receiptIdentities } from '../store/receipts.ts';
import type { Hub } from './hub.ts';
import type { Sealer } from './sealer.ts';

const WAIT_POLL_MS = 1000;

export interface WaitTools {
  readonly db: Database;
  readonly hub: Hub;
  readonly sealer: Sealer;
}

/** Resolves when the run has ended and its receipt is signed, when it only waits for people, or when the signal fires. */
export async function waitForRun(
  { db, hub, sealer }: WaitTools,
  run: number,
  signal: AbortSignal,
): Promise<'ended' | 'waiting' | 'stopped'> {
  while (!signal.aborted) {
    const news = hub.next('settled', WAIT_POLL_MS, signal);
    const sealed = hub.next('changed', WAIT_POLL_MS, signal);
    const activity = await readActivity(db, run);
    if (activity === 'waiting') return 'waiting';
    if (activity === 'ended') {
      await sealer.seal();
      // Another conductor may be at it.
      if ((await receiptIdentities(db, [run])).has(run)) return 'ended';
      const failure = sealer.failureOf(run);
      if (failure !== undefined) throw failure;
    }
    await (activity === 'ended' ? sealed : news);
  }
  return 'stopped';
}
