import { isMaestroError, MaestroError } from '../base/errors.ts';
import type { PolicyEngine } from '../policy/evaluate.ts';
import { runInput, runKey } from '../policy/input-from-plan.ts';
import type { RunRelation, StartRun } from '../protocol/client.ts';
import { intArray } from '../store/array-literal.ts';
import type { Database, Session } from '../store/database.ts';
import type { AskedDecision } from '../store/decisions.ts';
import { classesOf, savePlan } from '../store/plans.ts';
import { findByIdempotencyKey } from '../store/run-rows.ts';
import { type NewRun, submitRuns } from '../store/submissions.ts';
import { askPolicy } from './admission.ts';
import { deadlineOf } from './begin-run.ts';
import { type CompiledPlan, compilePlan, type StepFacts } from './compiled-plan.ts';
import { runContexts, stepContexts } from './contexts.ts';
import { cutText } from './cut-text.ts';
import { gatedBy } from './gated-by.ts';
import { textChars } from './json-weight.ts';
import type { NamespacePolicy } from './policies.ts';
import type { QueueDirectory } from './queue-directory.ts';
import { assertReceiptFits } from './receipt-room.ts';
import type { RunEntries, RunEntry } from './run-entry.ts';
import { JUDGED_CHARS_MAX, REASON_CHARS_MAX } from './worker-limits.ts';

/** Steps of one statement: keeps parameters and memory bounded. */
const BATCH_STEPS_MAX = 20_000;

export interface SubmitterTools {
  readonly db: Database;
  readonly entries: RunEntries;
  readonly queues: QueueDirectory;
}

export interface NewRunNames {
  /** The public id. */
  readonly key: string;
  readonly nonce: string;
  readonly concurrencyGroup: string | null;
  /** Empty where any worker serves it; otherwise only workers that name the run do. */
  readonly pool: string;
  /** Born waiting: for its group, or for results that are copied into it. */
  readonly isQueued: boolean;
}

interface Prepared {
  readonly request: StartRun;
  readonly names: NewRunNames;
  readonly policy: NamespacePolicy;
  readonly entry: RunEntry;
  readonly runDecision: AskedDecision;
  /** Standing decision of each step that waits for nothing else; null for the others. */
  readonly standing: readonly (AskedDecision | null)[];
}

interface Waiting extends Prepared {
  readonly resolve: (started: Started) => void;
  readonly reject: (error: unknown) => void;
}

export interface Started {
  readonly run: number;
  readonly isNew: boolean;
  readonly isRejected: boolean;
  /** Steps that wait for nothing have no standing decision: the slow path judges them. */
  readonly isPosted: boolean;
}

/** Starts runs in groups: those that arrive while a statement is in flight share the next one. */
export class Submitter {
  readonly #tools: SubmitterTools;
  readonly #planIds = new WeakMap<CompiledPlan, number>();
  #waiting: Waiting[] = [];
  #isBusy = false;

  constructor(tools: SubmitterTools) {
    this.#tools = tools;
  }

  start(request: StartRun, names: NewRunNames, policy: NamespacePolicy): Promise<Started> {
    const prepared = this.#prepare(request, names, policy);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...prepared, resolve, reject });
      if (!this.#isBusy) void this.#flush();
    });
  }

  /**
   * Makes everything ready to start one run inside the caller's transaction, where more has to be written before anybody
   * sees it. Called before that transaction: an embedded database has one connection. Answers undefined where a run of
   * its idempotency key is there.
   */
  async prepareWithin(
    request: StartRun,
    names: NewRunNames,
    policy: NamespacePolicy,
  ): Promise<(session: Session) => Promise<number | undefined>> {
    const prepared = this.#prepare(request, names, policy);
    const planId = (await this.#savePlans([prepared])).get(prepared.entry.compiled) ?? 0;
    await policy.forNew.decisionIds.resolve(this.#tools.db, [prepared.runDecision]);
    const [queues] = await this.#queuesOf([prepared]);
    return async (session) => {
      const numbers = await submitRuns(session, [this.#newRun(prepared, planId, queues ?? [])]);
      return numbers.get(names.key);
    };
  }

  /**
   * Policy is asked about the run, and about every step whose question is known by now.
   * @throws PIPELINE_INVALID
   */
  #prepare(request: StartRun, names: NewRunNames, own: NamespacePolicy): Prepared {
    const { policy } = own.forNew;
    const compiled = compilePlan(request.plan);
    const policyKey = runKey(request.plan, request.trigger);
    const contexts = runContexts(compiled, { key: names.key, attempt: 1, trigger: request.trigger });
    const entry: RunEntry = {
      id: 0,
      key: names.key,
      compiled,
      trigger: request.trigger,
      contexts,
      policyKey,
      namespace: own.namespace,
    };
    assertReceiptFits(entry);
    const input = () => runInput(request.plan, request.trigger);
    const runDecision = { decision: policy.evaluateKeyed(`run ${policyKey}`, input), input };
    // A run that waits, for its group or for a person, is judged step by step once it is released.
    const isQueued = names.isQueued || runDecision.decision.verdict === 'ask';
    const standing = isQueued ? compiled.plan.steps.map(() => null) : standingDecisions(policy, entry);
    return { request, names: { ...names, isQueued }, policy: own, entry, runDecision, standing };
  }

  async #flush(): Promise<void> {
    this.#isBusy = true;
    // Runs that are started in the same turn share a statement.
    await Promise.resolve();
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
      await this.#submitOrSplit(batch);
    }
    this.#isBusy = false;
  }

  /** One run that the store refuses must not keep the others from starting. Runs that were started resolve only once. */
  async #submitOrSplit(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#submit(batch);
    } catch (error) {
      const [only] = batch;
      if (batch.length === 1) only?.reject(error);
      else for (const one of batch) await this.#submitOrSplit([one]);
    }
  }

  #take(): readonly Waiting[] {
    let steps = 0;
    let end = 0;
    while (end < this.#waiting.length && steps < BATCH_STEPS_MAX) steps += this.#waiting[end++]?.standing.length ?? 0;
    return this.#waiting.splice(0, end);
  }

  async #submit(batch: readonly Waiting[]): Promise<void> {
    const { db, entries } = this.#tools;
    const planIds = await this.#savePlans(batch);
    await this.#saveDecisions(batch);
    const queues = await this.#queuesOf(batch);
    const runs = batch.map((one, i) => this.#newRun(one, planIds.get(one.entry.compiled) ?? 0, queues[i] ?? []));
    const numbers = await submitRuns(db, runs);
    for (const [i, one] of batch.entries()) {
      const run = numbers.get(one.names.key);
      if (run === undefined)
        one.resolve({ run: await this.known(one.request), isNew: false, isRejected: false, isPosted: false });
      else {
        entries.add(
          {
            id: run,
            key: one.names.key,
            attempt: 1,
            planId: runs[i]?.planId ?? 0,
            trigger: one.request.trigger,
            namespaceId: one.policy.namespace,
          },
          one.entry.compiled,
          one.entry.policyKey,
        );
        one.resolve({ run, isNew: true, isRejected: runs[i]?.status === 'rejected', isPosted: isPosted(one) });
      }
    }
  }

  async #saveDecisions(batch: readonly Prepared[]): Promise<void> {
    for (const [{ decisionIds }, own] of Map.groupBy(batch, (one) => one.policy.forNew)) {
      const asked = own.flatMap((one) => [one.runDecision, ...one.standing.filter((each) => each !== null)]);
      await decisionIds.resolve(this.#tools.db, asked);
    }
  }

  #queuesOf(batch: readonly Prepared[]): Promise<readonly (readonly number[])[]> {
    return this.#tools.queues.idsFor(
      batch.map(({ names, entry }) => ({ pool: names.pool, classes: classesOf(entry.compiled.runners) })),
    );
  }

  #newRun(one: Prepared, planId: number, queues: readonly number[]): NewRun {
    const { decision } = one.runDecision;
    const { decisionIds, packId } = one.policy.forNew;
    const isRejected = decision.verdict === 'deny';
    return {
      key: one.names.key,
      planId,
      status: isRejected ? 'rejected' : one.names.isQueued ? 'queued' : 'running',
      nonce: one.names.nonce,
      trigger: one.request.trigger,
      relations: one.request.relations ?? NO_RELATIONS,
      namespaceId: one.policy.namespace,
      packId,
      decisionId: decisionIds.of(decision),
      decisions: intArray(
        one.standing.map((asked) => (asked === null || isRejected ? null : decisionIds.of(asked.decision))),
      ),
      concurrencyGroup: one.names.concurrencyGroup,
      idempotencyKey: one.request.idempotencyKey ?? null,
      reason: decision.verdict === 'allow' ? null : cutText(decision.reasons.join('; '), REASON_CHARS_MAX),
      pool: one.names.pool,
      queues: intArray(queues),
      deadlineMs: deadlineOf(one.entry.compiled.plan),
    };
  }

  async #savePlans(batch: readonly Prepared[]): Promise<ReadonlyMap<CompiledPlan, number>> {
    const ids = new Map<CompiledPlan, number>();
    for (const { entry } of batch) {
      const { compiled } = entry;
      if (ids.has(compiled)) continue;
      const known = this.#planIds.get(compiled);
      const id = known ?? (await this.#savePlan(compiled));
      ids.set(compiled, id);
    }
    return ids;
  }

  async #savePlan(compiled: CompiledPlan): Promise<number> {
    const shape = {
      pendings: compiled.needs.map((needs) => needs.length),
      successors: compiled.graph.successors,
      runners: compiled.runners,
    };
    const id = await this.#tools.db.transaction((session) => savePlan(session, compiled.digest, compiled.body, shape));
    this.#planIds.set(compiled, id);
    return id;
  }

  /** The run that the request's idempotency key was used for. */
  async known(request: StartRun): Promise<number> {
    const run = await findByIdempotencyKey(this.#tools.db, request.idempotencyKey ?? '');
    if (run === undefined) throw new MaestroError('INTERNAL', 'a run was neither started nor found');
    return run;
  }
}

/** Of the steps whose question is known, as far as they fit into memory together: the rest is judged once the run is there. */
function standingDecisions(policy: PolicyEngine, entry: RunEntry): readonly (AskedDecision | null)[] {
  const { compiled, contexts } = entry;
  let judgedChars = 0;
  return compiled.plan.steps.map((step, idx) => {
    const { isStanding, isTemplated } = compiled.facts[idx] as StepFacts;
    if (!isStanding || (isTemplated && judgedChars > JUDGED_CHARS_MAX)) return null;
    const own = stepContexts(contexts, compiled, idx, () => undefined);
    const before = gatedBy(
      compiled,
      idx,
      (gate) => stepContexts(contexts, compiled, gate, () => undefined),
      () => true,
    );
    const asked = standingDecision(policy, { entry, step, idx, contexts: own, isCompensation: false, gatedBy: before });
    if (asked && isTemplated) judgedChars += textChars(asked.input().step?.with ?? null);
    return asked?.decision.verdict === 'allow' ? asked : null;
  });
}

/** Null where its inputs cannot be made: that fails the step, when it is its turn. */
function standingDecision(...[policy, request]: Parameters<typeof askPolicy>): AskedDecision | null {
  try {
    return askPolicy(policy, request);
  } catch (error) {
    if (!isMaestroError(error)) throw error;
    return null;
  }
}

function isPosted({ names, entry, standing }: Prepared): boolean {
  return !names.isQueued && entry.compiled.needs.some((needs, idx) => needs.length === 0 && standing[idx] === null);
}

const NO_RELATIONS: readonly RunRelation[] = [];
