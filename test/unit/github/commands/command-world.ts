import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../../../src/base/json.ts';
import type { CodeEvent } from '../../../../src/github/code-event.ts';
import { commandHandlers } from '../../../../src/github/commands/command-handlers.ts';
import type { CommandTools, PipelineCommand } from '../../../../src/github/commands/tools.ts';
import type { StartChoice } from '../../../../src/github/starter.ts';
import type { Plan } from '../../../../src/pipeline/plan.ts';
import type { CheckSpec } from '../../../../src/protocol/check.ts';
import { openCheckBoard } from '../../../../src/store/check-board.ts';
import { openCommandRecords } from '../../../../src/store/command-records.ts';
import { openGitHubRuns } from '../../../../src/store/github-runs.ts';
import { openTestGrants } from '../../../../src/store/test-grants.ts';
import { openWriteAllowance } from '../../../../src/store/write-allowance.ts';
import type { World } from '../../../contract/engine/world.ts';
import { githubRun } from '../../../fakes/github-runs.ts';
import { TRIGGER } from '../../../fakes/plans.ts';
import { FakeGitHub, OUR_APP } from './fake-github.ts';

const REPOSITORY = {
  id: 500,
  name: 'shop',
  owner: { login: 'acme' },
  private: true,
  default_branch: 'main',
  html_url: 'https://github.com/acme/shop',
};

let lastComment = 1000;

/** A real engine on a real store behind the handlers; in front of them a GitHub that answers over HTTP. */
export class CommandWorld {
  readonly github: FakeGitHub;
  readonly world: World;
  readonly tools: CommandTools;
  readonly starts: { readonly event: CodeEvent; readonly choice: StartChoice }[] = [];
  readonly shown: CheckSpec[] = [];
  readonly ownCommands: PipelineCommand[] = [];
  isPublic = false;
  /** How often the pipelines of the repository were read for the commands that they declare. */
  listings = 0;

  /** Each test has a commit of its own, so one store serves them all. */
  static async open(world: World): Promise<CommandWorld> {
    const github = new FakeGitHub();
    // People may ask so often in an hour, and an hour is one test.
    await world.sql('delete from command_request');
    await world.sql('delete from write_allowance');
    return new CommandWorld(world, github, await github.open());
  }

  private constructor(world: World, github: FakeGitHub, access: CommandTools['access']) {
    this.world = world;
    this.github = github;
    const board = openCheckBoard(world.db);
    this.tools = {
      access,
      appId: OUR_APP,
      engine: world.engine,
      starter: {
        start: async (event, choice = {}) => {
          this.starts.push({ event, choice });
          const isHeld = event.pull?.isFork === true && choice.isTrusted !== true;
          const report = { started: [], skipped: [], broken: [], held: [] };
          return isHeld
            ? { ...report, held: ['ci'] }
            : { ...report, started: [{ runId: 'r'.repeat(26), pipeline: 'ci' }] };
        },
      },
      pipelines: {
        commands: async () => {
          this.listings += 1;
          return this.ownCommands;
        },
        intents: async () => [],
      },
      runs: openGitHubRuns(world.db),
      board: {
        ...board,
        put: async (target, spec, version) => {
          this.shown.push(spec);
          await board.put(target, spec, version);
        },
      },
      grants: openTestGrants(world.db),
      records: openCommandRecords(world.db),
      allowance: openWriteAllowance(world.db),
      clock: { now: () => Date.now() },
      newHolder: randomUUID,
    };
  }

  async close(): Promise<void> {
    await this.github.close();
    await this.world.tidy();
  }

  /** Starts a run of the pull request's head. Answers its number and public id. */
  async run(
    plan: Plan,
    change: {
      readonly ref?: string;
      readonly headSha?: string;
      readonly actor?: string;
      /** The number of the actor's account. */
      readonly account?: string;
      readonly type?: string;
      readonly pusher?: string;
    } = {},
  ): Promise<{ run: number; id: string }> {
    const { actor = 'bo', account, type = TRIGGER.type, pusher } = change;
    const github = pusher === undefined ? TRIGGER.github : { event: { pusher: { name: pusher } } };
    const who = { provider: 'github', id: actor, ...(account !== undefined && { account }) };
    const trigger = { ...TRIGGER, type, actor: who, github };
    const run = await this.world.start(plan, { trigger });
    const { id } = await this.world.engine.readRun(run);
    await this.tools.runs.add(
      githubRun({
        runId: id,
        installationId: 5,
        repositoryId: 500,
        owner: 'acme',
        repo: 'shop',
        headSha: change.headSha ?? this.github.pull.head,
        ref: change.ref ?? 'refs/pull/7/head',
        pullNumber: change.ref === undefined ? 7 : null,
        pipelinePath: `.maestro/${plan.name}.yaml`,
        checkName: `maestro / ${plan.name}`,
      }),
    );
    return { run, id };
  }

  /** A comment of a person, as GitHub delivers it; answers what the handler did. */
  comment(body: string, change: CommentChange = {}): () => Promise<string> {
    const { commentId, event, action, createdAt, userId, login, userType, isIssue } = { ...BY_ADA, ...change };
    const sender = { id: userId, login, type: userType };
    const comment = { id: commentId ?? ++lastComment, body, user: sender, performed_via_github_app: null };
    // Written after what is there by now was seen: GitHub's times are whole seconds.
    const writtenAt = createdAt ?? new Date(Date.now() + 1000).toISOString().replace(/\.\d+/, '');
    return this.deliver(event, action, {
      comment: { ...comment, created_at: writtenAt, commit_id: change.reviewedSha ?? null },
      review: { ...comment, submitted_at: writtenAt, commit_id: change.reviewedSha ?? null },
      issue: { number: 7, ...(isIssue ? {} : { pull_request: { url: 'u' } }) },
      pull_request: { number: 7 },
      sender,
    });
  }

  /** Writes a comment and answers what it was answered. */
  async say(body: string, change: CommentChange = {}): Promise<string> {
    const before = this.github.comments.length;
    await this.comment(body, change)();
    return this.github.comments
      .slice(before)
      .map((one) => one.body)
      .join('\n=====\n');
  }

  press(
    action: string,
    check: JsonObject,
    identifier: string | null = null,
    userId = 1,
    type = 'User',
  ): () => Promise<string> {
    return this.deliver('check_run', action, {
      check_run: {
        id: 1,
        head_sha: this.github.pull.head,
        completed_at: '2026-02-01T00:00:00Z',
        app: { id: OUR_APP },
        check_suite: { head_branch: 'topic' },
        pull_requests: [],
        ...check,
      },
      requested_action: identifier === null ? null : { identifier },
      sender: { id: userId, login: this.github.logins.get(userId) ?? '', type },
    });
  }

  deliver(event: string, action: string, payload: JsonObject): () => Promise<string> {
    const handler = commandHandlers(this.tools)[`${event}.${action}`] ?? (async () => 'no handler');
    const delivery = {
      id: randomUUID(),
      event,
      action,
      installationId: 5,
      payload: { action, repository: { ...REPOSITORY, private: !this.isPublic }, ...payload },
      receivedAt: '2026-02-01T00:00:01Z',
    };
    return () => handler(delivery);
  }
}

const BY_ADA = {
  commentId: undefined,
  event: 'issue_comment',
  action: 'created',
  createdAt: undefined,
  userId: 1,
  login: 'ada',
  userType: 'User',
  isIssue: false,
};

export interface CommentChange {
  readonly commentId?: number;
  readonly event?: string;
  readonly action?: string;
  readonly createdAt?: string;
  readonly userId?: number;
  readonly login?: string;
  readonly userType?: string;
  readonly isIssue?: boolean;
  readonly reviewedSha?: string;
}
