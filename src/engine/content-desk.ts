import { MaestroError } from '../base/errors.ts';
import type { RunTrigger } from '../protocol/client.ts';
import type { LeaseClient } from '../protocol/lease.ts';
import { takeUsage } from '../store/attempt-usage.ts';
import { noteAttemptBlob } from '../store/attestations.ts';
import { hasBlob } from '../store/blob-owners.ts';
import type { BlobStore } from '../store/blobs.ts';
import { readCache, saveCache, sizeOf } from '../store/caches.ts';
import type { Database } from '../store/database.ts';
import { cacheScopes } from './cache-scope.ts';
import { checkArtifacts, checkOutputs } from './check-outcome.ts';
import { stepAt } from './compiled-plan.ts';
import { DailyContent } from './daily-content.ts';
import { assertOwner, entryOf, fenced, tooMuch } from './held-lease.ts';
import { madeArtifacts } from './made-artifacts.ts';
import { mayAttest } from './may-attest.ts';
import { repositoryKey } from './repository-key.ts';
import type { RunEntries } from './run-entry.ts';
import { Upload } from './upload.ts';
import { CACHE_BYTES_MAX, CACHE_SAVES_MAX } from './worker-limits.ts';

export interface ContentDeskTools {
  readonly db: Database;
  readonly entries: RunEntries;
  readonly blobs: BlobStore;
}

type ContentCalls = Pick<LeaseClient, 'putBlob' | 'getBlob' | 'findArtifacts' | 'cacheGet' | 'cachePut'>;

/** Content by digest, and results by key, as the attempt of one repository may store and read them. */
export function contentCalls(tools: ContentDeskTools): ContentCalls {
  const { db } = tools;
  const days = new DailyContent(db);
  return {
    putBlob: async (worker, held, content) => {
      await assertOwner(db, worker, held);
      const { trigger, compiled } = await entryOf(tools, held);
      const repository = isShared(trigger) ? repositoryKey(trigger) : null;
      const attempt = fenced(held);
      const upload = new Upload({ db, days, attempt, repository });
      // Most steps may never ask for a statement: of what they store, that it is their own is not noted.
      const isNoted = mayAttest(stepAt(compiled, attempt.idx));
      try {
        return await tools.blobs.put(upload.counted(content), async ({ digest }) => {
          await upload.keep(digest);
          if (isNoted) await noteAttemptBlob(db, attempt, digest);
        });
      } catch (error) {
        // Where the database is away as well, what was taken stays taken: why the content is not stored matters more.
        await upload.giveBack().catch(() => {});
        throw error;
      }
    },
    getBlob: async (worker, held, digest) => {
      await assertOwner(db, worker, held);
      const { trigger } = await entryOf(tools, held);
      // The words of a content that is nowhere: nobody learns what others stored.
      if (isShared(trigger) && !(await hasBlob(db, repositoryKey(trigger), digest)))
        throw new MaestroError('ARTIFACT_NOT_FOUND', `expected content ${digest} in the store, found none`);
      return tools.blobs.get(digest);
    },
    findArtifacts: async (worker, held, wanted) => {
      await assertOwner(db, worker, held);
      const { compiled } = await entryOf(tools, held);
      return madeArtifacts(db, compiled, fenced(held), wanted);
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
export function isShared({ actor }: RunTrigger): boolean {
  return actor.provider === 'github';
}
