import { MaestroError } from '../base/errors.ts';
import type { RunTrigger } from '../protocol/client.ts';
import type { HeldLease, LeaseClient, WorkerHello, WorkerSession, WorkerSignal } from '../protocol/lease.ts';
import { hasBlob, noteBlob } from '../store/blob-owners.ts';
import type { BlobStore } from '../store/blobs.ts';
import { readCache, saveCache } from '../store/caches.ts';
import type { Database } from '../store/database.ts';
import { addLogChunks } from '../store/logs.ts';
import { addEvents } from '../store/settlements.ts';
import { addWorker, beat, type FencedStep, lostLeases, ownsLease, stoppingSteps } from '../store/workers.ts';
import { cacheScopes } from './cache-scope.ts';
import { stepAt } from './compiled-plan.ts';
import type { Conductor } from './conductor.ts';
import type { Hub } from './hub.ts';
import { parseStepId, stepIdOf } from './lease-builder.ts';
import { releaseWorker } from './lost-workers.ts';
import type { QueueDirectory } from './queue-directory.ts';
import { repositoryKey } from './repository-key.ts';
import type { RunEntries, RunEntry } from './run-entry.ts';
import type { Settler } from './settler.ts';
import { unknownWorker, WorkerQueues } from './worker-queues.ts';

/** Values of secrets; asked only for names that policy released to the step. */
export interface SecretSource {
  /** @throws SECRET_NOT_FOUND */
  read(names: readonly string[]): Promise<Readonly<Record<string, string>>>;
}

export interface WorkerDeskTools {
  readonly db: Database;
  readonly hub: Hub;
  readonly entries: RunEntries;
  readonly conductor: Conductor;
  readonly settler: Settler;
  readonly blobs: BlobStore;
  readonly secrets: SecretSource;
  readonly renewEveryMs: number;
  readonly expireAfterMs: number;
  readonly queues: QueueDirectory;
  /** Where steps of a dedicated run wait, by its public id. */
  poolOf(run: string): string;
}

/** The lease protocol, answered in process. Every call that changes a step is fenced by the store. */
export function openWorkerDesk(tools: WorkerDeskTools): LeaseClient {
  const { db, conductor } = tools;
  const served = new WorkerQueues(db, tools.queues);
  return {
    register: (hello) => register(tools, served, hello),
    acquire: async (worker, room, waitMs, signal) =>
      conductor.acquire(await served.confirmed(worker), worker, room, waitMs, signal),
    complete: async (worker, completions, room) =>
      conductor.complete(served.known(worker) ?? (await served.load(worker)), worker, completions, room),
    renew: async (worker, held) => renew(db, worker, held),
    signals: (worker, waitMs, signal) => signals(tools, worker, waitMs, signal),
    appendLog: async (worker, chunks) => {
      const kept = await addLogChunks(
        db,
        worker,
        chunks.map((chunk) => ({ ...fenced(chunk), seq: chunk.seq, text: chunk.text })),
      );
      if (kept === 0 && chunks.length > 0) throw leaseLost(chunks[0]);
      tools.hub.tell('changed');
    },
    annotate: async (worker, held, annotations) => {
      await assertOwner(db, worker, held);
      const { run, idx } = fenced(held);
      await addEvents(db, [
        { run, idx, type: 'step.annotated', attempt: null, data: { annotations: annotations as never } },
      ]);
    },
    secrets: (worker, held) => readSecrets(tools, worker, held),
    putBlob: async (worker, held, content) => {
      await assertOwner(db, worker, held);
      const { trigger } = await entryOf(tools, held);
      const blob = await tools.blobs.put(content);
      if (isShared(trigger)) await noteBlob(db, repositoryKey(trigger), blob.digest);
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
      await assertOwner(db, worker, held);
      const { key, trigger } = await entryOf(tools, held);
      await saveCache(db, { ...entry, key: `${cacheScopes(trigger)[0]} ${entry.key}`, runId: key }, ttlMs);
    },
    leave: (worker) => leave(tools, served, worker),
  };
}

async function register(tools: WorkerDeskTools, served: WorkerQueues, hello: WorkerHello): Promise<WorkerSession> {
  const service = { pool: hello.run === undefined ? '' : tools.poolOf(hello.run), classes: hello.runners };
  const queues = await tools.queues.serve(service.pool, service.classes);
  const workerId = await addWorker(tools.db, hello.name, service);
  served.remember(workerId, queues);
  return { workerId, renewEveryMs: tools.renewEveryMs, expireAfterMs: tools.expireAfterMs };
}

async function renew(
  db: Database,
  worker: number,
  held: readonly HeldLease[],
): Promise<{ lost: readonly HeldLease[] }> {
  const steps = held.map(fenced);
  if (!(await beat(db, worker, steps))) throw unknownWorker(worker);
  const lost = steps.length > 0 ? await lostLeases(db, worker, steps) : [];
  return { lost: lost.map(toHeld) };
}

/** The floor under lost notifications: a cancelled step hears of it within 2 s. */
const STOP_POLL_MS = 1000;

async function signals(
  tools: WorkerDeskTools,
  worker: number,
  waitMs: number,
  signal: AbortSignal,
): Promise<readonly WorkerSignal[]> {
  const read = async (): Promise<readonly WorkerSignal[]> =>
    (await stoppingSteps(tools.db, worker)).map((step) => ({ type: 'cancel', ...toHeld(step) }));
  // Listening begins before the look, so that news between the two is not missed.
  for (let restMs = waitMs; ; restMs -= STOP_POLL_MS) {
    const news = tools.hub.next('stop', Math.min(restMs, STOP_POLL_MS), signal);
    const now = await read();
    if (now.length > 0 || restMs <= STOP_POLL_MS || signal.aborted) return now;
    await news;
  }
}

/**
 * The step's own decision named its secrets: an `allow` (or a person's consent to an `ask`) of exactly these names is what
 * let it begin, and the fence says that the attempt still counts.
 */
async function readSecrets(
  tools: WorkerDeskTools,
  worker: number,
  held: HeldLease,
): Promise<Readonly<Record<string, string>>> {
  await assertOwner(tools.db, worker, held);
  const { compiled } = await entryOf(tools, held);
  return tools.secrets.read(stepAt(compiled, fenced(held).idx).secrets);
}

/** Whether the store may hold contents of other people's repositories as well. */
function isShared({ actor }: RunTrigger): boolean {
  return actor.provider === 'github';
}

async function entryOf({ db, entries }: WorkerDeskTools, held: HeldLease): Promise<RunEntry> {
  const { run } = fenced(held);
  await entries.load(db, [run]);
  const entry = entries.get(run);
  if (!entry) throw leaseLost(held);
  return entry;
}

async function leave(tools: WorkerDeskTools, served: WorkerQueues, worker: number): Promise<void> {
  await releaseWorker(tools.db, tools.settler, worker);
  served.forget(worker);
}

async function assertOwner(db: Database, worker: number, held: HeldLease): Promise<void> {
  if (!(await ownsLease(db, worker, fenced(held)))) throw leaseLost(held);
}

function fenced(held: HeldLease): FencedStep {
  return { ...parseStepId(held.stepId), fence: held.fence };
}

function toHeld(step: FencedStep): HeldLease {
  return { stepId: stepIdOf(step.run, step.idx), fence: step.fence };
}

function leaseLost(held: HeldLease | undefined): MaestroError {
  return new MaestroError(
    'LEASE_LOST',
    `step ${held?.stepId ?? ''} is no longer leased under fence ${held?.fence ?? ''}`,
  );
}
