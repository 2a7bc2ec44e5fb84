import type { Completion, CompletionAnswer, HeldLease, Lease } from '../../protocol/lease.ts';
import { ACQUIRE, COMPLETE, COMPLETE_BYTES_MAX, HOLD_MS_MAX, RENEW } from '../../protocol/wire/worker-calls.ts';
import type { BoundWorker } from '../../protocol/worker-session.ts';
import type { HttpApiTools } from '../http-api-tools.ts';
import { HELD_AT_ONCE_MAX, PROLONG_MS, RENEW_BYTES_MAX, SESSION_MS, SMALL_BYTES_MAX } from '../limits.ts';
import type { WorkerCall, WorkerRoute } from '../route.ts';

/** Leases of many steps at once: taken, renewed, ended. */
export function leaseRoutes(tools: HttpApiTools): readonly WorkerRoute[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/leases:acquire',
      isHeld: true,
      atOnceMax: HELD_AT_ONCE_MAX,
      summary: 'Held until there are steps for the worker; answers up to `room` leases.',
      caller: 'worker',
      body: { schema: ACQUIRE.body, bytesMax: SMALL_BYTES_MAX },
      answer: ACQUIRE.answer,
      handle: async ({ worker, body, signal }: WorkerCall<{ room: number; waitMs: number }>) => ({
        leases: await tools.leases.acquire(worker.workerId, body.room, Math.min(body.waitMs, HOLD_MS_MAX), signal),
      }),
    },
    {
      method: 'POST',
      path: '/api/v1/leases:renew',
      isVital: true,
      summary:
        'Says what the worker still holds; answers what it no longer owns. A lease that is not named is given out again.',
      caller: 'worker',
      body: { schema: RENEW.body, bytesMax: RENEW_BYTES_MAX },
      answer: RENEW.answer,
      handle: async ({ worker, body }: WorkerCall<{ held: readonly HeldLease[] }>) => {
        const told = await tools.leases.renew(worker.workerId, body.held);
        await prolong(tools, worker);
        return told;
      },
    },
    {
      method: 'POST',
      path: '/api/v1/leases:complete',
      summary: 'Records outcomes, each under its fence, and may answer steps that they made ready. Safe to send again.',
      caller: 'worker',
      body: { schema: COMPLETE.body, bytesMax: COMPLETE_BYTES_MAX },
      answer: COMPLETE.answer,
      handle: ({ worker, body }: WorkerCall<{ completions: readonly Completion[]; room: number }>) =>
        completeOwn(tools, worker, body.completions, body.room),
    },
  ];
}

/** A worker that lives keeps its session, which else would end in the middle of a job that may take days. */
async function prolong({ sessions, clock }: HttpApiTools, worker: BoundWorker): Promise<void> {
  const expiresAt = Math.min(worker.endsAt, clock.now() + SESSION_MS);
  if (expiresAt - worker.expiresAt >= PROLONG_MS) await sessions.prolong(worker, expiresAt);
}

/** The engine checks fences alone: steps that are, or may become, another worker's are answered `lost` before it hears of them. */
export async function completeOwn(
  tools: HttpApiTools,
  worker: BoundWorker,
  completions: readonly Completion[],
  room: number,
): Promise<{ readonly answers: readonly CompletionAnswer[]; readonly leases: readonly Lease[] }> {
  const isOwn = await tools.sessions.mayEnd(worker, completions);
  const own = completions.filter((_, i) => isOwn[i] === true);
  const told = await tools.leases.complete(worker.workerId, own, room);
  let next = 0;
  const answers = isOwn.map((is): CompletionAnswer => (is ? (told.answers[next++] ?? 'lost') : 'lost'));
  return { answers, leases: told.leases };
}
