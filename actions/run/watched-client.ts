import type {
  Completion,
  CompletionAnswer,
  HeldLease,
  Lease,
  LeaseClient,
  LogChunk,
} from '../../src/protocol/lease.ts';

/** What passes between worker and conductor, for whoever tells the job's log and decides when the job is over. */
export interface LeaseWatcher {
  onLease(lease: Lease): void;
  onLog(chunks: readonly LogChunk[]): void;
  onComplete(completions: readonly Completion[], answers: readonly CompletionAnswer[]): void;
  /** All that the worker holds at this moment: what is missing was taken away from it, and never gets an outcome. */
  onHeld?(held: readonly HeldLease[]): void;
}

/** The same client, watched. */
export function watchClient(client: LeaseClient, watcher: LeaseWatcher): LeaseClient {
  return {
    register: (hello) => client.register(hello),
    acquire: async (workerId, room, waitMs, signal) => {
      const leases = await client.acquire(workerId, room, waitMs, signal);
      for (const lease of leases) watcher.onLease(lease);
      return leases;
    },
    complete: async (workerId, completions, room) => {
      const answer = await client.complete(workerId, completions, room);
      watcher.onComplete(completions, answer.answers);
      for (const lease of answer.leases) watcher.onLease(lease);
      return answer;
    },
    renew: (workerId, held) => {
      watcher.onHeld?.(held);
      return client.renew(workerId, held);
    },
    signals: (workerId, waitMs, signal) => client.signals(workerId, waitMs, signal),
    appendLog: async (workerId, chunks) => {
      await client.appendLog(workerId, chunks);
      watcher.onLog(chunks);
    },
    annotate: (workerId, held, annotations) => client.annotate(workerId, held, annotations),
    secrets: (workerId, held) => client.secrets(workerId, held),
    putBlob: (workerId, held, content, signal) => client.putBlob(workerId, held, content, signal),
    getBlob: (workerId, held, digest, signal) => client.getBlob(workerId, held, digest, signal),
    findArtifacts: (workerId, held, wanted) => client.findArtifacts(workerId, held, wanted),
    attest: (workerId, held, request) => client.attest(workerId, held, request),
    cacheGet: (workerId, held, key) => client.cacheGet(workerId, held, key),
    cachePut: (workerId, held, entry, ttlMs) => client.cachePut(workerId, held, entry, ttlMs),
    leave: (workerId) => client.leave(workerId),
  };
}
