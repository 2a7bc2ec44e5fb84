import { MaestroError } from '../base/errors.ts';
import type { RunTrigger } from '../protocol/client.ts';
import type { LeaseClient } from '../protocol/lease.ts';
import { takeBlobDay, takeUsage } from '../store/attempt-usage.ts';
import { hasBlob, noteBlob } from '../store/blob-owners.ts';
import type { BlobStore } from '../store/blobs.ts';
import { readCache, saveCache, sizeOf } from '../store/caches.ts';
import type { Database } from '../store/database.ts';
import type { FencedStep } from '../store/workers.ts';
import { cacheScopes } from './cache-scope.ts';
import { checkArtifacts, checkOutputs } from './check-outcome.ts';
import { assertOwner, entryOf, fenced, tooMuch } from './held-lease.ts';
import { repositoryKey } from './repository-key.ts';
import type { RunEntries } from './run-entry.ts';
import {
  BLOB_BYTES_MAX,
  BLOB_BYTES_PER_DAY_MAX,
  BLOB_COUNT_EVERY_BYTES,
  BLOBS_MAX,
  CACHE_BYTES_MAX,
  CACHE_SAVES_MAX,
} from './worker-limits.ts';

export interface ContentDeskTools {
  readonly db: Database;
  readonly entries: RunEntries;
  readonly blobs: BlobStore;
}

type ContentCalls = Pick<LeaseClient, 'putBlob' | 'getBlob' | 'cacheGet' | 'cachePut'>;

/** Content by digest, and results by key, as the attempt of one repository may store and read them. */
export function contentCalls(tools: ContentDeskTools): ContentCalls {
  const { db } = tools;
  return {
    putBlob: async (worker, held, content) => {
      await assertOwner(db, worker, held);
      const { trigger } = await entryOf(tools, held);
      const repository = isShared(trigger) ? repositoryKey(trigger) : null;
      const blob = await tools.blobs.put(counted(db, fenced(held), repository, content));
      if (repository !== null) await noteBlob(db, repository, blob.digest);
      return blob;
    },
    getBlob: async (worker, held, digest) => {
      await assertOwner(db, worker, held);
      const { trigger } = await entryOf(tools, held);
      // The words of a content that is nowhere: nobody learns what others stored.
      if (isShared(trigger) && !(await hasBlob(db, repositoryKey(trigger), digest)))
        throw new MaestroError('ARTIFACT_NOT_FOUND', `expected content ${digest} in the store, found none`);
      return tools.blobs.get(digest);
    },
    cacheGet: async (worker, held, key) => {
      await assertOwner(db, worker, held);
      const { trigger } = await entryOf(tools, held);
      for (const scope of cacheScopes(trigger)) {
        const entry = await readCache(db, `${scope} ${key}`);
        if (entry) return { ...entry, key };
      }
      return undefined;
    },
    cachePut: async (worker, held, entry, ttlMs) => {
      checkOutputs(entry.outputs);
      checkArtifacts(entry.artifacts);
      await assertOwner(db, worker, held);
      const { key, trigger } = await entryOf(tools, held);
      const kept = { ...entry, key: `${cacheScopes(trigger)[0]} ${entry.key}`, runId: key };
      await db.transaction(async (session) => {
        const max = { count: CACHE_SAVES_MAX, bytes: CACHE_BYTES_MAX };
        if (!(await takeUsage(session, fenced(held), 'cache', { count: 1, bytes: sizeOf(kept) }, max)))
          throw tooMuch(`${CACHE_SAVES_MAX} results in the cache, of ${CACHE_BYTES_MAX} bytes`);
        await saveCache(session, repositoryKey(trigger), kept, ttlMs);
      });
    },
  };
}

/** Whether the store may hold contents of other people's repositories as well. */
function isShared({ actor }: RunTrigger): boolean {
  return actor.provider === 'github';
}

/** Counted while it arrives, and whole before it is whole in the store: what is too much leaves nothing there. */
async function* counted(
  db: Database,
  attempt: FencedStep,
  repository: string | null,
  content: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  let bytes = 0;
  for await (const part of content) {
    bytes += part.byteLength;
    if (bytes >= BLOB_COUNT_EVERY_BYTES) {
      await count(db, attempt, repository, 0, bytes);
      bytes = 0;
    }
    yield part;
  }
  await count(db, attempt, repository, 1, bytes);
}

/** @throws REQUEST_TOO_LARGE */
async function count(
  db: Database,
  attempt: FencedStep,
  repository: string | null,
  blobs: number,
  bytes: number,
): Promise<void> {
  const max = { count: BLOBS_MAX, bytes: BLOB_BYTES_MAX };
  if (!(await takeUsage(db, attempt, 'blob', { count: blobs, bytes }, max)))
    throw tooMuch(`${BLOBS_MAX} files of ${BLOB_BYTES_MAX} bytes`);
  if (repository !== null && !(await takeBlobDay(db, repository, bytes, BLOB_BYTES_PER_DAY_MAX)))
    throw new MaestroError(
      'REQUEST_TOO_LARGE',
      `expected one repository to store no more than ${BLOB_BYTES_PER_DAY_MAX} bytes on one day`,
    );
}
