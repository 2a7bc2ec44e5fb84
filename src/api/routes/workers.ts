import type { WorkerSignal } from '../../protocol/lease.ts';
import { HOLD_MS_MAX, NOTHING, SIGNALS } from '../../protocol/wire/worker-calls.ts';
import type { HttpApiTools } from '../http-api-tools.ts';
import { DRAIN_POLL_MS, HELD_AT_ONCE_MAX, LINGER_MS, SMALL_BYTES_MAX } from '../limits.ts';
import type { WorkerCall, WorkerRoute } from '../route.ts';

/** A worker's session: what it is told, and its end. */
export function workerRoutes(tools: HttpApiTools): readonly WorkerRoute[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/workers:signals',
      isVital: true,
      isHeld: true,
      atOnceMax: HELD_AT_ONCE_MAX,
      summary: 'Held until there is something to tell the worker: steps to stop, or that nothing is left for it.',
      caller: 'worker',
      body: { schema: SIGNALS.body, bytesMax: SMALL_BYTES_MAX },
      answer: SIGNALS.answer,
      handle: async (call: WorkerCall<{ waitMs: number }>) => ({ signals: await signals(tools, call) }),
    },
    {
      method: 'POST',
      path: '/api/v1/workers:leave',
      isVital: true,
      summary:
        'Gives back what the worker holds. For some minutes more the session may read the run, and nothing else.',
      caller: 'worker',
      body: { schema: NOTHING, bytesMax: SMALL_BYTES_MAX },
      answer: NOTHING,
      handle: async ({ worker }: WorkerCall) => {
        await tools.leases.leave(worker.workerId);
        await tools.sessions.close(worker.workerId, tools.clock.now() + LINGER_MS);
        return {};
      },
    },
  ];
}

async function signals(
  tools: HttpApiTools,
  { worker, body, signal }: WorkerCall<{ waitMs: number }>,
): Promise<readonly WorkerSignal[]> {
  for (let restMs = Math.min(body.waitMs, HOLD_MS_MAX); ; restMs -= DRAIN_POLL_MS) {
    if (!(await tools.sessions.hasWork(worker))) return [{ type: 'drain' }];
    const news = await tools.leases.signals(worker.workerId, Math.max(0, Math.min(restMs, DRAIN_POLL_MS)), signal);
    if (news.length > 0 || restMs <= DRAIN_POLL_MS || signal.aborted) return news;
  }
}
