import type { Clock } from '../base/clock.ts';
import { forgetUsage } from '../store/attempt-usage.ts';
import type { BlobStore } from '../store/blobs.ts';
import { removeExpiredCache, trimCaches } from '../store/caches.ts';
import type { Database } from '../store/database.ts';
import { CACHE_BYTES_KEPT, CACHE_ENTRIES_KEPT } from './worker-limits.ts';

/** Between two looks of one process. */
const EVERY_MS = 600_000;
const EXPIRED_MAX = 10_000;
/** Nothing is written to a draft for longer than a whole request may take. */
const DRAFT_MS_MAX = 3_600_000;

export interface HousekeepingTools {
  readonly db: Database;
  readonly blobs: BlobStore;
  readonly clock: Clock;
}

/** Removes what nobody will ask for again. Called with each sweep, it does so every ten minutes. */
export function openHousekeeping({ db, blobs, clock }: HousekeepingTools): () => Promise<void> {
  let doneAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = clock.now();
    if (now - doneAt < EVERY_MS) return;
    doneAt = now;
    await removeExpiredCache(db, EXPIRED_MAX);
    await trimCaches(db, { entriesMax: CACHE_ENTRIES_KEPT, bytesMax: CACHE_BYTES_KEPT });
    await forgetUsage(db);
    await blobs.removeDrafts(now - DRAFT_MS_MAX);
  };
}
