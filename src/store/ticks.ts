import { intArray, textArray } from './array-literal.ts';
import type { Session } from './database.ts';

/** A successful attempt, for the fast path. */
export interface TickCompletion {
  readonly run: number;
  readonly idx: number;
  readonly fence: number;
  /** JSON, or null where there is nothing to keep. */
  readonly outcome: string | null;
}

export interface TickRequest {
  /** Sorted by (run, idx): the order in which rows are locked. */
  readonly completions: readonly TickCompletion[];
  /** One element per step that may be leased: the worker that would get it. */
  readonly slots: readonly number[];
  /** Queues that these workers serve, as an int[] literal. */
  readonly queues: string;
  /** Steps are leased under its packs alone. */
  readonly baseId: number;
  /** Queue positions up to here are known to be taken; 0 looks at the whole queue. */
  readonly mark: number;
}

export interface GrantedLease {
  readonly run: number;
  readonly idx: number;
  readonly attempt: number;
  readonly iteration: number;
  readonly fence: number;
  readonly worker: number;
}

export interface TickResult {
  readonly leases: readonly GrantedLease[];
  readonly closedRuns: readonly number[];
  readonly unsettledRuns: readonly number[];
  /** Completions that changed nothing here: stale, sent before, or of a step that was told to stop. */
  readonly refused: readonly { readonly run: number; readonly idx: number; readonly fence: number }[];
  /** Steps that went to the queue, and that came from it. */
  readonly queued: number;
  readonly taken: number;
  /** Those of them that were leased: the others had been cancelled while they waited. */
  readonly takenLeases: number;
  /** Highest queue position taken; 0 where none was. */
  readonly mark: number;
}

export async function tick(session: Session, request: TickRequest): Promise<TickResult> {
  const { completions } = request;
  const rows = await session.query(
    'tick',
    'select kind, run_id, idx, attempt, iteration, fence, worker from engine_tick($1, $2, $3, $4, $5, $6, $7, $8)',
    [
      intArray(completions.map((one) => one.run)),
      intArray(completions.map((one) => one.idx)),
      intArray(completions.map((one) => one.fence)),
      textArray(completions.map((one) => one.outcome)),
      intArray(request.slots),
      request.queues,
      request.baseId,
      request.mark,
    ],
  );
  const result = {
    leases: [] as GrantedLease[],
    closedRuns: [] as number[],
    unsettledRuns: [] as number[],
    refused: [] as { run: number; idx: number; fence: number }[],
    queued: 0,
    taken: 0,
    takenLeases: 0,
    mark: 0,
  };
  for (const [kind, run, idx, attempt, iteration, fence, worker] of rows as readonly (readonly (number | string)[])[]) {
    if (kind === 1)
      result.leases.push({
        run: Number(run),
        idx: idx as number,
        attempt: attempt as number,
        iteration: iteration as number,
        fence: fence as number,
        worker: worker as number,
      });
    else if (kind === 2) result.closedRuns.push(Number(run));
    else if (kind === 3) result.unsettledRuns.push(Number(run));
    else if (kind === 4) result.refused.push({ run: Number(run), idx: idx as number, fence: fence as number });
    else if (kind === 5) result.queued = idx as number;
    else {
      result.mark = Number(run);
      result.taken = idx as number;
      result.takenLeases = attempt as number;
    }
  }
  return result;
}
