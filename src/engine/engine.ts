import type { MaestroError } from '../base/errors.ts';
import { ulid } from '../base/ids.ts';
import type { JsonObject } from '../base/json.ts';
import type { Principal } from '../base/principal.ts';
import type { Plan } from '../pipeline/plan.ts';
import type { GateAnswer, PlanPreview, RetryScope, RunReceipt, RunTrigger, StartRun } from '../protocol/client.ts';
import type { DisclosureEdition } from '../protocol/disclosure-edition.ts';
import type { LogLine, RunEvent } from '../protocol/event.ts';
import type { EvidenceDesk } from '../protocol/evidence.ts';
import type { Explanation } from '../protocol/explain.ts';
import type { LeaseClient } from '../protocol/lease.ts';
import type { Namespace, PolicySource } from '../protocol/namespace.ts';
import type { Quotas } from '../protocol/quota.ts';
import type { DecisionView, RunSummary, RunView } from '../protocol/run.ts';
import { eventCounts } from '../store/events.ts';
import { waitingRuns } from '../store/held-gates.ts';
import { migrate } from '../store/migrate.ts';
import { endClaims } from '../store/outbox.ts';
import { type Scope, SERVED } from '../store/scope.ts';
import { Conductor } from './conductor.ts';
import { disclose } from './disclosure.ts';
import { type EngineOptions, TIMES } from './engine-options.ts';
import { openEvidenceDesk } from './evidence-desk.ts';
import { explainRun } from './explain.ts';
import { GateKeeper } from './gate-keeper.ts';
import { advanceGroups, advanceWaiting, groupOf, joinGroup } from './groups.ts';
import { openHousekeeping } from './housekeeping.ts';
import { Hub } from './hub.ts';
import { releaseLostWorkers } from './lost-workers.ts';
import { mayAct } from './may-act.ts';
import { Policies, type PolicyRules } from './policies.ts';
import { previewPlan } from './preview.ts';
import { Queries } from './queries.ts';
import { QueueDirectory } from './queue-directory.ts';
import { quotasOf } from './quotas.ts';
import { recoverEmbedded } from './recovery.ts';
import { Registrar } from './registrar.ts';
import { ReleaseGates } from './release-gates.ts';
import { Retrier } from './retrier.ts';
import { RunEntries } from './run-entry.ts';
import { Sealer } from './sealer.ts';
import type { SettleTools } from './settle.ts';
import { Settler } from './settler.ts';
import { type NewRunNames, Submitter } from './submitter.ts';
import { Timekeeper } from './timekeeper.ts';
import { waitForRun } from './wait-for-run.ts';
import { openWorkerDesk } from './worker-desk.ts';

/**
 * The verbs of Maestro. Each is one transaction, batched with others of its kind; any number of engines work on one
 * Postgres without a leader. Nothing is kept in memory that a crash would lose.
 */
export class Engine {
  /** What workers ask. */
  readonly leases: LeaseClient;
  /** What anybody may ask of the register of what ran. */
  readonly evidence: EvidenceDesk;
  /** Statements about what runs made, and whether it may be released. */
  readonly releases: ReleaseGates;
  /** Hints to look again; see `News`. */
  readonly news: Pick<Hub, 'next' | 'on'>;
  readonly #options: EngineOptions;
  readonly #hub: Hub;
  readonly #policies: Policies;
  readonly #entries = new RunEntries();
  readonly #queries: Queries;
  readonly #settler: Settler;
  readonly #conductor: Conductor;
  readonly #submitter: Submitter;
  readonly #retrier: Retrier;
  readonly #sealer: Sealer;
  readonly #registrar: Registrar;
  readonly #timekeeper: Timekeeper;
  readonly #gateKeeper: GateKeeper;
  readonly #settleTools: SettleTools;
  /** Keys of the dedicated runs that were asked for here. */
  readonly #own = new Set<string>();

  /** Opens the store, brings its schema up to date, takes up what a crash left behind, and begins to keep time. */
  static async open(options: EngineOptions): Promise<Engine> {
    await migrate(options.db);
    const engine = new Engine(options, await Policies.open(options));
    await engine.#start();
    return engine;
  }

  private constructor(options: EngineOptions, policies: Policies) {
    const { db, clock, random, promotions, onError, blobs, secrets } = options;
    const times = { ...TIMES, ...options.times };
    this.#options = options;
    const hub = (this.#hub = new Hub(db));
    this.news = hub;
    const entries = this.#entries;
    this.#queries = new Queries(db, hub, entries);
    this.#policies = policies;
    this.#settleTools = { policies, entries, clock, random };
    const onClosed = (runs: readonly number[]): void => this.#onClosed(runs);
    const isBusy = (): boolean => this.#conductor.isBusy;
    const onTimer = (): void => this.#timekeeper.lookAtTimers();
    const onPromotion = (run: number): void => this.#gateKeeper.wake(run);
    const settler = (this.#settler = new Settler(db, hub, () => this.#settleTools, onClosed, onTimer, onPromotion));
    this.#conductor = new Conductor({ db, hub, entries, settler, policies, onClosed });
    this.#gateKeeper = new GateKeeper({ db, entries, policies, settler, promotions, onError });
    const queues = new QueueDirectory(db);
    this.#submitter = new Submitter({ db, entries, queues });
    this.#retrier = new Retrier({
      db,
      queries: this.#queries,
      submitter: this.#submitter,
      settler,
      settleTools: this.#settleTools,
      policies,
      namesIn: (group, isDedicated) => this.#names(group, isDedicated),
      onClosed,
    });
    this.#sealer = new Sealer({
      ...options,
      hub,
      entries,
      entrypoint: options.policy.entrypoint,
      isBusy,
      scope: () => this.#scope(),
      onSealed: () => this.#registrar.wakeSoon(),
      onDone: () => this.releases.sign().catch(onError),
    });
    this.#registrar = new Registrar({ ...options, hub, isBusy });
    this.evidence = openEvidenceDesk({ db, hub, registrar: this.#registrar });
    this.releases = new ReleaseGates(options, this.#queries, () => this.#scope());
    this.#timekeeper = new Timekeeper({
      db,
      settler,
      clock,
      scope: () => this.#scope(),
      ...times,
      advanceGroups: () => this.#advanceGroups(),
      seal: () => this.#sealer.seal(),
      register: () => this.#registrar.register(),
      refresh: () => queues.refresh(),
      tidy: openHousekeeping({ db, blobs, clock }),
      onError,
    });
    this.leases = openWorkerDesk({
      db,
      hub,
      entries,
      conductor: this.#conductor,
      settler,
      blobs,
      policies,
      secrets,
      attester: options,
      ...times,
      queues,
      poolOf: (run) => this.#poolOf(run),
    });
  }

  /**
   * Starts a run, or answers the one that has the same idempotency key. A run that policy denies is `rejected`: it is
   * stored and gets a receipt like any other.
   * @throws PIPELINE_INVALID where the plan is too large for a receipt
   */
  async startRun(request: StartRun): Promise<{ readonly run: number; readonly isNew: boolean }> {
    const group = groupOf(request);
    const { namespace } = request;
    const policy = this.#policies.known(namespace) ?? (await this.#policies.of(namespace));
    const started = await this.#submitter.start(request, this.#names(group, request.isDedicated === true), policy);
    if (started.isNew) this.#registrar.wakeSoon();
    if (started.isRejected) this.#onClosed([started.run]);
    else if (group !== null) {
      // Also of a run that is known: whoever started it may have died before it joined.
      await joinGroup(
        this.#options.db,
        this.#settler,
        group,
        started.run,
        request.plan.concurrency?.cancelInProgress === true,
      );
    } else this.#hub.tell('ready');
    if (started.isPosted) this.#settler.settle(started.run, { type: 'sweep' }).catch(this.#options.onError);
    return started;
  }

  /** @throws RUN_NOT_FOUND */
  async cancelRun(run: number, reason: string): Promise<void> {
    await this.#adopt(run);
    await this.#settler.settle(run, { type: 'cancel', reason });
  }

  /** @throws GATE_NOT_OPEN, STEP_NOT_FOUND, APPROVAL_NOT_ALLOWED, TOO_MANY_ANSWERS, CONFLICT */
  async answerGate(run: number, answer: Omit<GateAnswer, 'runId'>): Promise<void> {
    await this.#adopt(run);
    await this.#settler.settle(run, { type: 'answer', answer });
    // Consent to a run of a group lets it begin when it is its turn.
    if (this.#isGrouped(run)) await advanceWaiting(this.#options.db, this.#settler, this.#scope());
  }

  /**
   * Makes a new run that keeps the successes outside of the scope; a receipt links it to the first. Asked again with the
   * same key, it answers the run that it made then.
   * @throws RUN_NOT_FINISHED, STEP_NOT_FOUND, PIPELINE_INVALID where the plan is too large for a receipt
   */
  retryRun(run: number, scope: RetryScope, idempotencyKey?: string): Promise<number> {
    return this.#retrier.retry(run, scope, idempotencyKey);
  }

  /** Whether somebody may do something in a namespace: a command, a button, a call of the API. */
  async mayAct(namespace: Namespace, action: string, principal: Principal, isPublic: boolean): Promise<DecisionView> {
    return mayAct(this.#options.db, await this.#policies.of(namespace), { name: action, isPublic, person: principal });
  }

  /** The data by which a namespace is judged now. */
  async policyData(namespace: Namespace): Promise<JsonObject> {
    return (await this.#policies.of(namespace)).inForce.policy.data;
  }

  /** What policy lets the namespace of a run have at once, by its public id. @throws RUN_NOT_FOUND, POLICY_INVALID */
  async quotasOf(runId: string): Promise<Quotas> {
    const tools = { db: this.#options.db, entries: this.#entries, policies: this.#policies };
    return quotasOf(tools, await this.#queries.resolve(runId));
  }

  /** Judges by other rules from now on: what waits under the old ones is asked about again. */
  async replacePolicy(rules: PolicyRules): Promise<void> {
    await this.#policies.replace(rules);
    await this.#reconsider(null);
    this.#hub.tell('ready');
  }

  /** Facts may have changed for which gates of these runs wait. Public ids; those that wait for nothing may be among them. */
  async revisitGates(runIds: readonly string[]): Promise<void> {
    for (const id of runIds) this.#gateKeeper.wake(await this.#queries.resolve(id));
  }

  /** Looks after a run that was started elsewhere: gives out again what dead workers hold, without waiting for a sweep. */
  async resumeRun(run: number): Promise<void> {
    await this.#adopt(run);
    await this.#releaseLostWorkers(run);
    await endClaims(this.#options.db, run);
    await this.#settler.settle(run, { type: 'sweep' });
    await this.#timekeeper.sweep();
    this.#hub.tell('ready');
  }

  async preview(request: StartRun): Promise<PlanPreview> {
    const { forNew } = await this.#policies.of(request.namespace);
    return previewPlan(forNew.policy, request);
  }

  /**
   * Says what a namespace's policy file changes of the data; null where it has none. Steps that wait are asked about again. Of
   * a broken file, its error: nothing new begins in the namespace until it is mended.
   */
  async setPolicy(namespace: Namespace, patch: JsonObject | null | MaestroError, source: PolicySource): Promise<void> {
    const set = await this.#policies.set(namespace, patch, source);
    if (!set.isChanged) return;
    await this.#reconsider(set.namespace);
  }

  resolve(name: string): Promise<number> {
    return this.#queries.resolve(name);
  }

  readRun(run: number): Promise<RunView> {
    return this.#queries.readRun(run);
  }

  listRuns(limit: number): Promise<readonly RunSummary[]> {
    return this.#queries.listRuns(limit);
  }

  /** By public id: a number that grows with everything that becomes known about the run. Unknown ids are absent. */
  versionsOf(runIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return eventCounts(this.#options.db, runIds);
  }

  readPlan(run: number): Promise<Plan> {
    return this.#queries.readPlan(run);
  }

  /** @throws STEP_NOT_FOUND */
  explain(run: number, step?: string): Promise<Explanation> {
    return explainRun({ db: this.#options.db, queries: this.#queries, policies: this.#policies }, run, step);
  }

  readTrigger(run: number): Promise<RunTrigger> {
    return this.#queries.readTrigger(run);
  }

  followRun(run: number, afterSeq: number, signal: AbortSignal): AsyncIterable<RunEvent> {
    return this.#queries.followRun(run, afterSeq, signal);
  }

  readLogs(run: number, step: string | undefined, isFollowing: boolean, signal: AbortSignal): AsyncIterable<LogLine> {
    return this.#queries.readLogs(run, step, isFollowing, signal);
  }

  readReceipt(run: number): Promise<RunReceipt> {
    return this.#queries.readReceipt(run);
  }

  /** @throws RUN_NOT_FINISHED, RECEIPT_NOT_READY */
  disclose(run: number, edition: DisclosureEdition): Promise<Uint8Array> {
    return disclose({ ...this.#options, queries: this.#queries, evidence: this.evidence }, run, edition);
  }

  /** Resolves when the run has ended and its receipt is signed, when it only waits for people, or when the signal fires. */
  waitForRun(run: number, signal: AbortSignal): Promise<'ended' | 'waiting' | 'stopped'> {
    return waitForRun({ db: this.#options.db, hub: this.#hub, sealer: this.#sealer }, run, signal);
  }

  /** Signs the receipts of all runs that are over. */
  async seal(): Promise<void> {
    await this.#sealer.seal();
  }

  /** Stops keeping time. The database stays open: it belongs to the caller. */
  async close(): Promise<void> {
    try {
      await this.#timekeeper.close();
      this.#conductor.close();
      this.#sealer.close();
      await this.#sealer.seal();
      await this.#registrar.close();
    } finally {
      await this.#hub.close();
    }
  }

  async #start(): Promise<void> {
    const { db } = this.#options;
    await this.#hub.open();
    if (db.kind === 'embedded') {
      await this.#releaseLostWorkers(null);
      await recoverEmbedded(db, this.#settler);
      await this.#timekeeper.recover();
    }
    this.#timekeeper.start();
  }

  async #reconsider(namespace: number | null): Promise<void> {
    const { db, onError } = this.#options;
    const waiting = await waitingRuns(db, namespace);
    await Promise.all(waiting.map((run) => this.#settler.settle(run, { type: 'policy' }).catch(onError)));
  }

  async #releaseLostWorkers(run: number | null): Promise<void> {
    const { db, reclaimWorkers } = this.#options;
    if (reclaimWorkers) await releaseLostWorkers(db, this.#settler, run, reclaimWorkers);
  }

  async #adopt(run: number): Promise<void> {
    const { row } = await this.#queries.load(run);
    this.#keep(row.pool);
  }

  #scope(): Scope {
    if (this.#options.db.kind === 'embedded') return null;
    return this.#options.isShared ? ['', SERVED, ...this.#own] : [...this.#own];
  }

  #names(concurrencyGroup: string | null, isDedicated: boolean): NewRunNames {
    const { clock, randomBytes } = this.#options;
    const key = ulid(clock.now(), randomBytes(16));
    const pool = isDedicated ? this.#poolOf(key) : '';
    this.#keep(pool);
    const nonce = Buffer.from(randomBytes(16)).toString('hex');
    return { key, nonce, concurrencyGroup, pool, isQueued: concurrencyGroup !== null };
  }

  /** Dedicated runs of servers are in the scope of each server as it is: what is kept here is named in every look. */
  #keep(pool: string): void {
    if (pool !== '' && !(this.#options.isShared && pool.startsWith(SERVED))) this.#own.add(pool);
  }

  #poolOf(run: string): string {
    return this.#options.isShared ? `${SERVED}${run}` : run;
  }

  async #advanceGroups(): Promise<void> {
    const { db } = this.#options;
    await advanceGroups(db, this.#settler, this.#scope());
    await advanceWaiting(db, this.#settler, this.#scope());
  }

  #isGrouped(run: number): boolean {
    return this.#entries.get(run)?.compiled.plan.concurrency !== undefined;
  }

  #onClosed(runs: readonly number[]): void {
    this.#sealer.wakeSoon(this.#options.onError);
    if (runs.some((run) => this.#isGrouped(run)))
      advanceGroups(this.#options.db, this.#settler, this.#scope()).catch(this.#options.onError);
    this.#hub.tell('settled');
    this.#hub.tell('changed');
  }
}
