import type { RetryScope, StartRun } from '../protocol/client.ts';
import type { Database } from '../store/database.ts';
import { receiptIdentities } from '../store/receipts.ts';
import { findByIdempotencyKey, loadRuns, loadSteps } from '../store/run-rows.ts';
import { joinGroup } from './groups.ts';
import type { NamespacePolicy, Policies } from './policies.ts';
import type { Queries } from './queries.ts';
import { carryResults, keptSteps } from './retry.ts';
import { type Settled, type SettleTools, settleRuns } from './settle.ts';
import type { Settler } from './settler.ts';
import type { NewRunNames, Submitter } from './submitter.ts';

export interface RetrierTools {
  readonly db: Database;
  readonly queries: Pick<Queries, 'load'>;
  readonly submitter: Submitter;
  readonly settler: Settler;
  readonly settleTools: SettleTools;
  readonly policies: Policies;
  /** Of a new run in that concurrency group. */
  readonly namesIn: (group: string | null, isDedicated: boolean) => NewRunNames;
  readonly onClosed: (runs: readonly number[]) => void;
}

/** Makes runs of runs that have ended. */
export class Retrier {
  readonly #tools: RetrierTools;

  constructor(tools: RetrierTools) {
    this.#tools = tools;
  }

  /**
   * Makes a new run that keeps the successes outside of the scope; a receipt links it to the first. Asked again with the
   * same key, it answers the run that it made then.
   * @throws RUN_NOT_FINISHED, STEP_NOT_FOUND
   */
  async retry(run: number, scope: RetryScope, idempotencyKey?: string): Promise<number> {
    const { db, queries, submitter, onClosed } = this.#tools;
    const known = idempotencyKey === undefined ? undefined : await findByIdempotencyKey(db, idempotencyKey);
    if (known !== undefined) return this.#joined(known);
    const { row, entry } = await queries.load(run);
    const identity = (await receiptIdentities(db, [run])).get(run) ?? null;
    const request: StartRun = {
      plan: entry.compiled.plan,
      trigger: row.trigger,
      relations: [{ type: 'retryOf', runId: row.key, payloadSha256: identity }],
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    };
    const made = await this.#make(run, scope, request);
    // Somebody else asked with the same key at this moment.
    if (made === undefined) return this.#joined(await submitter.known(request));
    if (made.isRejected) onClosed([made.next]);
    else if (made.settled) this.#tools.settler.announce(made.settled);
    else await this.#joined(made.next);
    return made.next;
  }

  /** Undefined where a run of that key is there. */
  async #make(
    run: number,
    scope: RetryScope,
    request: StartRun,
  ): Promise<{ readonly next: number; readonly isRejected: boolean; readonly settled?: Settled } | undefined> {
    const { db, queries, submitter, settleTools, policies, namesIn } = this.#tools;
    const { row, entry } = await queries.load(run);
    const kept = keptSteps(row, await loadSteps(db, [run]), entry.compiled, scope);
    const group = row.concurrencyGroup;
    const policy = (await policies.load(db, [row.namespaceId])).get(row.namespaceId) as NamespacePolicy;
    const names = { ...namesIn(group, row.pool !== ''), isQueued: true };
    const start = await submitter.prepareWithin(request, names, policy);
    return db.transaction(async (session) => {
      const next = await start(session);
      if (next === undefined) return undefined;
      if ((await loadRuns(session, [next]))[0]?.status === 'rejected') return { next, isRejected: true };
      await carryResults(session, next, row, kept, entry.compiled);
      // In a group it waits for its turn; otherwise nobody ever sees it wait.
      if (group !== null) return { next, isRejected: false };
      const settled = await settleRuns(session, settleTools, [{ run: next, ask: { type: 'released' } }]);
      return { next, isRejected: false, settled };
    });
  }

  /** Also of a run that is known: whoever made it may have died before it joined its group. */
  async #joined(run: number): Promise<number> {
    const { db, queries, settler } = this.#tools;
    const { row, entry } = await queries.load(run);
    if (row.concurrencyGroup !== null) {
      const cancelsOthers = entry.compiled.plan.concurrency?.cancelInProgress === true;
      await joinGroup(db, settler, row.concurrencyGroup, run, cancelsOthers);
    }
    return run;
  }
}
