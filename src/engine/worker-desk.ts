import type { HeldLease, LeaseClient, LogChunk, WorkerHello, WorkerSession, WorkerSignal } from '../protocol/lease.ts';
import { ANNOTATION_BYTES_MAX, type Annotation } from '../protocol/outcome.ts';
import type { SecretSource } from '../protocol/secret-source.ts';
import { takeUsage } from '../store/attempt-usage.ts';
import type { BlobStore } from '../store/blobs.ts';
import type { Database } from '../store/database.ts';
import { addLogChunks } from '../store/logs.ts';
import { addEvents } from '../store/settlements.ts';
import { addWorker, beat, type FencedStep, lostLeases, stoppingSteps } from '../store/workers.ts';
import { type Attester, attestationCalls } from './attestation-desk.ts';
import type { Conductor } from './conductor.ts';
import { contentCalls } from './content-desk.ts';
import { assertOwner, fenced, leaseLost, toHeld, tooMuch } from './held-lease.ts';
import type { Hub } from './hub.ts';
import { LeaseRoom } from './lease-room.ts';
import { releaseWorker } from './lost-workers.ts';
import { admitOutcomes } from './outcome-room.ts';
import type { Policies } from './policies.ts';
import type { QueueDirectory } from './queue-directory.ts';
import type { RunEntries } from './run-entry.ts';
import { releaseSecrets } from './secret-desk.ts';
import type { Settler } from './settler.ts';
import { ANNOTATION_CALLS_MAX, LOG_BYTES_MAX, LOG_CHUNKS_MAX } from './worker-limits.ts';
import { unknownWorker, WorkerQueues } from './worker-queues.ts';

export interface WorkerDeskTools {
  readonly db: Database;
  readonly hub: Hub;
  readonly entries: RunEntries;
  readonly conductor: Conductor;
  readonly settler: Settler;
  readonly blobs: BlobStore;
  readonly policies: Policies;
  readonly secrets: SecretSource;
  readonly attester: Attester;
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
  const leaseRoom = new LeaseRoom(db, tools.entries);
  return {
    register: (hello) => register(tools, served, hello),
    acquire: async (worker, room, waitMs, signal) => {
      const { queues, pool } = await served.confirmed(worker);
      return conductor.acquire(queues, worker, await leaseRoom.fit(pool, room), waitMs, signal);
    },
    complete: async (worker, completions, room) => {
      const { queues, pool, isolation } = served.known(worker) ?? (await served.load(worker));
      const admitted = await admitOutcomes(tools, worker, isolation, completions);
      return conductor.complete(queues, worker, admitted, await leaseRoom.fit(pool, room));
    },
    renew: async (worker, held) => renew(db, worker, held),
    signals: (worker, waitMs, signal) => signals(tools, worker, waitMs, signal),
    appendLog: (worker, chunks) => appendLog(tools, worker, chunks),
    annotate: async (worker, held, annotations) => {
      await assertOwner(db, worker, held);
      await annotate(db, fenced(held), annotations);
    },
    secrets: async (worker, held) => {
      const { isolation } = served.known(worker) ?? (await served.load(worker));
      return releaseSecrets(tools, { id: worker, isolation }, held);
    },
    ...contentCalls(tools),
    ...attestationCalls(tools),
    leave: (worker) => leave(tools, served, worker),
  };
}

async function register(tools: WorkerDeskTools, served: WorkerQueues, hello: WorkerHello): Promise<WorkerSession> {
  const pool = hello.run === undefined ? '' : tools.poolOf(hello.run);
  const isolation = hello.isolation ?? null;
  const queues = await tools.queues.serve(pool, hello.runners);
  const workerId = await addWorker(tools.db, hello.name, { pool, classes: hello.runners, isolation });
  served.remember(workerId, { queues, pool, isolation });
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

async function leave(tools: WorkerDeskTools, served: WorkerQueues, worker: number): Promise<void> {
  await releaseWorker(tools.db, tools.settler, worker);
  served.forget(worker);
}

async function appendLog({ db, hub }: WorkerDeskTools, worker: number, chunks: readonly LogChunk[]): Promise<void> {
  const [first] = chunks;
  if (!first) return;
  const named = chunks.map((chunk) => ({ ...fenced(chunk), seq: chunk.seq, text: chunk.text }));
  const limits = { bytesMax: LOG_BYTES_MAX, chunksMax: LOG_CHUNKS_MAX };
  const { held, isWhole } = await addLogChunks(db, worker, named, limits);
  if (held === 0) throw leaseLost(first);
  if (!isWhole) throw tooMuch(`logs of ${LOG_BYTES_MAX} bytes in ${LOG_CHUNKS_MAX} chunks`);
  hub.tell('changed');
}

async function annotate(db: Database, step: FencedStep, annotations: readonly Annotation[]): Promise<void> {
  const data = { annotations: annotations as never };
  const usage = { count: 1, bytes: Buffer.byteLength(JSON.stringify(annotations)) };
  await db.transaction(async (session) => {
    const max = { count: ANNOTATION_CALLS_MAX, bytes: ANNOTATION_BYTES_MAX };
    if (!(await takeUsage(session, step, 'annotation', usage, max)))
      throw tooMuch(`annotations of ${ANNOTATION_BYTES_MAX} bytes`);
    await addEvents(session, [{ run: step.run, idx: step.idx, type: 'step.annotated', attempt: null, data }]);
  });
}
