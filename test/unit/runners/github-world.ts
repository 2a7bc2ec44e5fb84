import { randomBytes } from 'node:crypto';
import { digestBytes } from '../../../src/base/digest.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { openJobHandlers } from '../../../src/github/jobs.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { StartRun } from '../../../src/protocol/client.ts';
import type { Dispatch, Dispatches } from '../../../src/protocol/dispatch.ts';
import type { GitHubRun } from '../../../src/protocol/github-run.ts';
import { Dispatcher, type DispatcherOptions } from '../../../src/runners/github-actions/dispatcher.ts';
import type { Database } from '../../../src/store/database.ts';
import { openDemand } from '../../../src/store/demand.ts';
import { openDispatches } from '../../../src/store/dispatches.ts';
import { openTestEngine } from '../../fakes/engine.ts';
import { githubRun } from '../../fakes/github-runs.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';
import { freshDatabase } from '../../fresh-database.ts';
import { ActionsFarEnd } from './actions-far-end.ts';

export const MINUTE_MS = 60_000;
const REPOSITORY = 42;

/** Engine and store as they are, GitHub over HTTP, and a clock that the test moves. */
export class GitHubWorld {
  #keys = 0;
  readonly clock = { ms: Date.parse('2026-11-21T00:00:00Z'), now: () => this.clock.ms };
  readonly dispatches: Dispatches;
  readonly errors: unknown[] = [];
  readonly told: string[] = [];
  readonly farEnd: ActionsFarEnd;
  readonly engine: Engine;
  readonly db: Database;
  readonly #drop: () => Promise<void>;
  /** Installation of each run, where it is not 7. */
  readonly installations = new Map<string, number>();
  /** Repository of each run, where it is not 42. */
  readonly repositories = new Map<string, number>();

  /** @param url of a Postgres; embedded where there is none */
  static async open(url?: string): Promise<GitHubWorld> {
    const { open, drop } = await freshDatabase(url);
    const db = await open();
    return new GitHubWorld(db, await openTestEngine(db), await ActionsFarEnd.open(), drop);
  }

  private constructor(db: Database, engine: Engine, farEnd: ActionsFarEnd, drop: () => Promise<void>) {
    this.db = db;
    this.engine = engine;
    this.farEnd = farEnd;
    this.#drop = drop;
    this.dispatches = openDispatches(db, this.clock);
  }

  async close(): Promise<void> {
    await this.engine.close();
    await this.db.close();
    await this.farEnd.close();
    await this.#drop();
  }

  async tidy(): Promise<void> {
    for (const [id] of await this.db.query('', 'select id from run where state < 3', []))
      await this.engine.cancelRun(Number(id), 'the test is over');
    await this.db.query('', 'delete from dispatch', []);
    await this.setQuota(null);
    this.farEnd.reset();
    this.errors.length = 0;
    this.told.length = 0;
  }

  dispatcher(change: Partial<DispatcherOptions> = {}): Dispatcher {
    return new Dispatcher({
      dispatches: this.dispatches,
      demand: openDemand(this.db),
      github: this.farEnd.client(),
      runs: { find: async (runId) => this.githubRun(runId) },
      leases: this.engine.leases,
      quotasOf: (runId) => this.engine.quotasOf(runId),
      clock: this.clock,
      random: () => 0,
      randomBytes,
      onReady: () => () => {},
      onProblem: (runId) => this.told.push(runId),
      onError: (error) => this.errors.push(error),
      ...change,
    });
  }

  /** A run of a server whose steps wait for jobs. Answers its public id. */
  async run(steps: readonly PlanStep[] = [planStep('build')], change: Partial<StartRun> = {}): Promise<string> {
    const { run } = await this.engine.startRun({ plan: planOf(steps), trigger: TRIGGER, isDedicated: true, ...change });
    return this.keyOf(run);
  }

  /** What the policy file of the runs' namespace says of `quota`. */
  async setQuota(quota: JsonObject | null): Promise<void> {
    const source = { path: '.maestro/policy.yaml', commit: null };
    await this.engine.setPolicy({ tenant: 'local', name: 'local' }, quota && { quota }, source);
  }

  async keyOf(run: number): Promise<string> {
    const [row] = await this.db.query('', 'select key from run where id = $1', [run]);
    return String(row?.[0]);
  }

  async idOf(runId: string): Promise<number> {
    const [row] = await this.db.query('', 'select id from run where key = $1', [runId]);
    return Number(row?.[0]);
  }

  /** Newest last. */
  async dispatchesOf(runId: string): Promise<readonly Dispatch[]> {
    const rows = await this.db.query('', 'select id from dispatch where run_key = $1 order by class, ordinal', [runId]);
    const found = await Promise.all(rows.map((row) => this.dispatches.find(String(row[0]))));
    return found.filter((one) => one !== undefined);
  }

  async onlyDispatch(runId: string): Promise<Dispatch> {
    const [only, ...others] = await this.dispatchesOf(runId);
    if (!only || others.length > 0) throw new Error(`expected one dispatch, found ${others.length + (only ? 1 : 0)}`);
    return only;
  }

  /** With a key of its own, as each process of a job has. */
  register(dispatch: Dispatch, workflowRunId: number, runAttempt = 1): Promise<Dispatch> {
    const keyDigest = digestBytes(String(++this.#keys));
    const job = { repositoryId: REPOSITORY, workflowRunId, runAttempt, keyDigest };
    return this.dispatches.register(dispatch.dispatchId, job);
  }

  /** A delivery of GitHub's about a job. Answers what the handler says. */
  async deliver(
    event: 'workflow_job' | 'workflow_run',
    subject: JsonObject,
    repository = REPOSITORY,
    wake: () => void = () => {},
  ): Promise<string> {
    const handlers = openJobHandlers({ dispatches: this.dispatches, wake });
    return handlers[event]({
      id: randomBytes(8).toString('hex'),
      event,
      action: null,
      installationId: 7,
      payload: { [event]: subject, repository: { id: repository } },
      receivedAt: '2026-11-21T00:00:00Z',
    });
  }

  githubRun(runId: string): GitHubRun {
    return githubRun({
      runId,
      installationId: this.installations.get(runId) ?? 7,
      repositoryId: this.repositories.get(runId) ?? REPOSITORY,
      headSha: 'a'.repeat(40),
      ref: 'refs/pull/7/head',
      pullNumber: 7,
    });
  }
}
