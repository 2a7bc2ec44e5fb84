import type { LeaseClient } from '../../protocol/lease.ts';

const ROOM = 50;
/** What the failures made ready in turn comes within this time, or is found by the next look. */
const WAIT_MS = 100;
const ROUNDS_MAX = 200;

/**
 * Fails the ready steps of one class of a run, as a worker that can do nothing else: so the run goes on by its own rules
 * (`continue-on-error`, steps that always run, compensations), and the reason stands with each step. Answers how many.
 */
export async function refuseSteps(
  leases: LeaseClient,
  runId: string,
  runnerClass: string,
  reason: string,
): Promise<number> {
  const hello = { name: `refusal of ${runnerClass}`, runners: [runnerClass], capacity: ROOM, run: runId };
  const { workerId } = await leases.register(hello);
  const never = new AbortController().signal;
  let count = 0;
  try {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const held = await leases.acquire(workerId, ROOM, WAIT_MS, never);
      if (held.length === 0) break;
      count += held.length;
      const outcome = { kind: 'failed', errorClass: 'infra', errorCode: 'NO_RUNNER', message: reason } as const;
      await leases.complete(
        workerId,
        held.map(({ stepId, fence }) => ({ stepId, fence, outcome })),
        0,
      );
    }
  } finally {
    await leases.leave(workerId);
  }
  return count;
}
