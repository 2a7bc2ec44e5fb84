import { setTimeout } from 'node:timers/promises';
import { openRunFeed } from '../../../../app/server/run-feed.ts';
import type { JsonObject } from '../../../../src/base/json.ts';
import { localPrincipal, type Principal } from '../../../../src/base/principal.ts';
import type { Engine } from '../../../../src/engine/engine.ts';
import type { Delivery, DeliveryHandler } from '../../../../src/github/delivery-handler.ts';
import { judgeWhenKnown } from '../../../../src/github/deployments/judge-when-known.ts';
import { openPromotionSource } from '../../../../src/github/deployments/promotion-source.ts';
import { AbandonedRequests } from '../../../../src/github/protection/abandoned-requests.ts';
import { openGivenAnswers } from '../../../../src/github/protection/given-answers.ts';
import { protectionHandlers } from '../../../../src/github/protection/protection-handlers.ts';
import { openReviewTeller } from '../../../../src/github/protection/tell-reviews.ts';
import { Reporter } from '../../../../src/github/report/reporter.ts';
import { Writing } from '../../../../src/github/report/writing.ts';
import { compilePipeline } from '../../../../src/pipeline/compile.ts';
import type { GitHubRuns } from '../../../../src/protocol/github-run.ts';
import type { RunView } from '../../../../src/protocol/run.ts';
import { STEP_CATALOG } from '../../../../src/steps/catalog.ts';
import { openCheckBoard } from '../../../../src/store/check-board.ts';
import type { Database } from '../../../../src/store/database.ts';
import { openGitHubRuns } from '../../../../src/store/github-runs.ts';
import { openProtectionRules } from '../../../../src/store/protection-rules.ts';
import { openWriteAllowance } from '../../../../src/store/write-allowance.ts';
import { rulesWith } from '../../../contract/engine/world.ts';
import { openTestEngine } from '../../../fakes/engine.ts';
import { freshDatabase } from '../../../fresh-database.ts';
import { openPromotingWorld, type PromotingWorld } from '../deployments/promoting-world.ts';

const DEPLOY = `on: workflow_dispatch
jobs:
  deploy:
    environment: prod
    runs-on: [self-hosted, tiny]
    steps:
      - run: echo out
`;
export const TINY = { labels: ['self-hosted', 'tiny'], count: 1 };
const WORKFLOW = '.github/workflows/deploy.yml';
export const PEOPLE: Readonly<Record<'ada' | 'bo', Principal>> = {
  ada: { ...localPrincipal('ada'), provider: 'github', account: '1' },
  bo: { ...localPrincipal('bo'), provider: 'github', account: '2' },
};

interface SeenJob {
  readonly state: string;
  /** `waiting`, `approved`, `rejected`, `unanswered` */
  readonly gate: string;
  readonly words: readonly string[];
}

export interface DecidingOptions {
  readonly url?: string;
  /** What the operator's policy changes. */
  readonly policy?: JsonObject;
  /** Milliseconds that a run is under way before it is written down where it belongs. */
  readonly beforeKnown?: number;
}

/** A workflow of a repository that waits before its environment for the App, and all of the App that has to do with it. */
export class DecidingWorld {
  readonly github: PromotingWorld;
  readonly db: Database;
  readonly engine: Engine;
  readonly errors: unknown[] = [];
  /** Of this process, for the pace of writes. */
  readonly clock = { aheadMs: 0, now: (): number => Date.now() + this.clock.aheadMs };
  readonly #drop: () => Promise<void>;
  #beforeKnownMs = 0;

  static async open({ url, policy, beforeKnown }: DecidingOptions = {}): Promise<DecidingWorld> {
    const github = await openPromotingWorld(
      { 'a.ts': 'a', [WORKFLOW]: DEPLOY },
      { runners: [TINY], hostEnvironment: process.env },
    );
    const { owner, repo } = github.place;
    github.sandbox.protectEnvironment(owner, repo, 'prod', github.app.id);
    const fresh = await freshDatabase(url);
    const db = await fresh.open();
    const promotions = openPromotionSource({
      access: github.access,
      runs: openGitHubRuns(db),
      rules: openProtectionRules(db),
      appId: github.app.id,
    });
    const engine = await openTestEngine(db, { promotions, ...(policy && (await rulesWith(policy))) });
    const decided = new DecidingWorld(github, db, engine, fresh.drop);
    decided.#beforeKnownMs = beforeKnown ?? 0;
    return decided;
  }

  private constructor(github: PromotingWorld, db: Database, engine: Engine, drop: () => Promise<void>) {
    this.github = github;
    this.db = db;
    this.engine = engine;
    this.#drop = drop;
  }

  async close(): Promise<void> {
    await this.engine.close();
    await this.db.close();
    await this.github.close();
    await this.#drop();
  }

  get runs() {
    return openGitHubRuns(this.db);
  }

  get rules() {
    return openProtectionRules(this.db);
  }

  /** Somebody starts the workflow. Answers its run. */
  async dispatch(): Promise<number> {
    const { ada, place } = this.github;
    const wanted = { ...place, workflow_id: 'deploy.yml', ref: 'main', return_run_details: true };
    const { data } = await ada.rest.actions.createWorkflowDispatch(wanted);
    return (data as unknown as { workflow_run_id: number }).workflow_run_id;
  }

  /** The newest webhook of an event, as GitHub sent it; `without` some of its fields. */
  delivery(event: string, without: readonly string[] = []): Delivery {
    const { payload, guid, action } = this.github.sandbox.deliveries().findLast((one) => one.event === event) ?? {};
    if (payload === undefined) throw new Error(`no ${event} was sent`);
    const kept = Object.entries(payload).filter(([name]) => !without.includes(name));
    return {
      id: guid ?? '',
      event,
      action: action ?? null,
      installationId: without.includes('installation') ? null : this.github.installationId,
      payload: Object.fromEntries(kept) as JsonObject,
      receivedAt: new Date().toISOString(),
    };
  }

  async handle(delivery: Delivery): Promise<string> {
    const handlers: Readonly<Record<string, DeliveryHandler>> = protectionHandlers({
      access: this.github.access,
      engine: this.engine,
      runs: this.#runsOfServer(),
      rules: this.rules,
      board: openCheckBoard(this.db),
      compile: (request) => compilePipeline({ ...request, catalog: STEP_CATALOG }),
      policies: { bringPolicy: async () => {} },
    });
    const handler = handlers[`${delivery.event}.${delivery.action}`];
    if (!handler) throw new Error(`nothing handles ${delivery.event}.${delivery.action}`);
    return handler(delivery);
  }

  /** The webhook of a job that waits is dealt with. Answers the run that decides, when it waits for people. */
  async ask(without: readonly string[] = []): Promise<string> {
    const note = await this.handle(this.delivery('deployment_protection_rule', without));
    const [, runId = ''] = /prod is decided by (\w+)/.exec(note) ?? [];
    if (runId === '') throw new Error(`nothing was decided: ${note}`);
    return runId;
  }

  #runsOfServer(): GitHubRuns {
    const runs = judgeWhenKnown(this.runs, (runIds) => this.engine.revisitGates(runIds));
    return {
      ...runs,
      add: async (run) => {
        await setTimeout(this.#beforeKnownMs);
        await runs.add(run);
      },
    };
  }

  async view(runId: string): Promise<RunView> {
    return this.engine.readRun(await this.engine.resolve(runId));
  }

  async answer(runId: string, person: Principal, decision: 'approve' | 'deny' | 'revoke' = 'approve'): Promise<void> {
    const answer = { decision, reason: 'seen', principal: person, isAuthor: false };
    await this.engine.answerGate(await this.engine.resolve(runId), { gate: 'promote', ...answer });
  }

  /** A process of its own: one look, everything that is due written, and a while later. */
  async report(): Promise<void> {
    await this.#reporter().turn();
    this.clock.aheadMs += 3_600_000;
  }

  /** Everything that is due written, without a look. */
  async write(): Promise<void> {
    const { access, app } = this.github;
    const writing = new Writing({ ...this.#tools(), access, app });
    await writing.begin();
    await writing.idle();
  }

  #tools() {
    const { clock, errors } = this;
    return {
      book: openCheckBoard(this.db),
      allowance: openWriteAllowance(this.db),
      clock,
      random: () => 0.5,
      onError: (error: unknown): void => void errors.push(error),
    };
  }

  #reporter(): Reporter {
    const { access, app } = this.github;
    const dispatches = { problemOf: async () => null };
    return new Reporter({
      ...this.#tools(),
      board: openCheckBoard(this.db),
      access,
      app,
      runs: this.runs,
      feed: openRunFeed({ engine: this.engine, dispatches, jobsOf: async () => [], githubUrl: 'https://github.test' }),
      tellers: [openReviewTeller(this.rules, openGivenAnswers(this.engine))],
      publicUrl: null,
    });
  }

  sweep(): Promise<void> {
    const { engine, runs, rules, errors } = this;
    const onError = (error: unknown): void => void errors.push(error);
    return new AbandonedRequests({ engine, runs, rules, onError, access: this.github.access }).sweep();
  }

  /** The jobs of a workflow run, one for each attempt, with what the App said of them. */
  async jobs(workflowRunId: number): Promise<readonly SeenJob[]> {
    const { sandbox, place } = this.github;
    const response = await fetch(`${sandbox.url}/_sandbox/repos/${place.owner}/${place.repo}/gates`);
    const gates = (await response.json()) as { state: string; words: { comment: string }[] }[];
    // Every job waits for one app: there is a gate for each, in their order.
    return sandbox.jobs().flatMap(({ runId, status, conclusion }, at) => {
      const { state = '', words = [] } = gates[at] ?? {};
      if (runId !== workflowRunId) return [];
      return [{ state: conclusion ?? status, gate: state, words: words.map(({ comment }) => comment) }];
    });
  }
}
