import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Engine } from '../../../../src/engine/engine.ts';
import type { CodeEvent } from '../../../../src/github/code-event.ts';
import { openStarter } from '../../../../src/github/matching/start-matching.ts';
import type { GitHubAccess } from '../../../../src/github/octokit.ts';
import { compilePipeline } from '../../../../src/pipeline/compile.ts';
import type { CheckBoard, CheckSpec } from '../../../../src/protocol/check.ts';
import type { GitHubRuns } from '../../../../src/protocol/github-run.ts';
import type { ReportBook } from '../../../../src/protocol/report-book.ts';
import { STEP_CATALOG } from '../../../../src/steps/catalog.ts';
import { openCheckBoard } from '../../../../src/store/check-board.ts';
import type { Database } from '../../../../src/store/database.ts';
import { openGitHubRuns } from '../../../../src/store/github-runs.ts';
import { openTestEngine, testPolicyParser } from '../../../fakes/engine.ts';
import { freshDatabase } from '../../../fresh-database.ts';
import { FarEnd } from './far-end.ts';
import { BASE, codeEvent, pullFacts } from './sample-events.ts';

export const REPO = '/repos/octo/app';

export const pipeline = (on: string, name = 'tests'): string =>
  `name: ${name}\non: ${on}\nsteps:\n  - id: test\n    run: npm test\n`;

const PARSE_POLICY = await testPolicyParser();
let count = 0;

/** The starter on a real engine, store and check board, before a GitHub of made-up commits. */
export class StartingWorld {
  readonly far: FarEnd;
  readonly db: Database;
  readonly engine: Engine;
  readonly access: GitHubAccess;
  readonly runs: GitHubRuns;
  /** What was said of checks, in order. */
  readonly checks: CheckSpec[] = [];
  readonly board: CheckBoard & ReportBook;
  readonly starter: ReturnType<typeof openStarter>;
  isTrusted = false;

  constructor(far: FarEnd, db: Database, engine: Engine, access: GitHubAccess) {
    this.far = far;
    this.db = db;
    this.engine = engine;
    this.access = access;
    this.runs = openGitHubRuns(db);
    const told = openCheckBoard(db);
    this.board = {
      ...told,
      put: async (target, spec, version) => {
        this.checks.push(spec);
        await told.put(target, spec, version);
      },
      putSkip: async (target, spec) => {
        const isTold = await told.putSkip(target, spec);
        if (isTold) this.checks.push(spec);
        return isTold;
      },
    };
    this.starter = this.starterWith(this.board);
  }

  starterWith(board: CheckBoard & ReportBook): ReturnType<typeof openStarter> {
    return openStarter({
      access: this.access,
      engine: this.engine,
      runs: this.runs,
      board,
      parsePolicy: PARSE_POLICY,
      compile: (request) => compilePipeline({ ...request, catalog: STEP_CATALOG }),
      isTrusted: async () => this.isTrusted,
    });
  }

  /** A commit that no other test has. */
  commit(files: Readonly<Record<string, string | Uint8Array>>, message = 'feat: x'): string {
    const sha = (++count).toString(16).padStart(40, 'c');
    this.far.commits.set(sha, files);
    this.far.answers.set(`GET ${REPO}/commits/${sha}`, { sha, commit: { message } });
    return sha;
  }

  /** GitHub says that it is the head of the branch `feature`, and of pull request 7. */
  isHead(sha: string): void {
    this.far.answers.set(`GET ${REPO}/git/ref/heads/feature`, { object: { sha } });
    this.far.answers.set(`GET ${REPO}/pulls/7`, { state: 'open', head: { sha } });
  }

  /** Name and conclusion of the checks that stand on a commit. */
  async standing(sha: string): Promise<readonly (readonly [string, string | null])[]> {
    const standing = await openCheckBoard(this.db).standing(11, sha);
    return standing.map(({ spec: { name, conclusion } }) => [name, conclusion] as const);
  }

  async idsOf(sha: string): Promise<readonly string[]> {
    return (await this.runs.ofCommit(11, sha)).map(({ runId }) => runId);
  }

  async statusOf(runId: string): Promise<string> {
    return (await this.engine.readRun(await this.engine.resolve(runId))).status;
  }
}

/** One for all tests of a file: opening it takes seconds. */
export function startingWorld(url: string | undefined): () => StartingWorld {
  let world: StartingWorld | undefined;
  let close = async (): Promise<void> => {};
  beforeAll(async () => {
    const far = new FarEnd();
    const fresh = await freshDatabase(url);
    const db = await fresh.open();
    const engine = await openTestEngine(db);
    world = new StartingWorld(far, db, engine, await far.open());
    close = async () => {
      await far.close();
      await engine.close();
      await db.close();
      await fresh.drop();
    };
  });
  afterEach(() => {
    world?.far.reset();
    world?.checks.splice(0);
    if (world) world.isTrusted = false;
  });
  afterAll(() => close());
  return () => {
    if (!world) throw new Error('the world is not open');
    return world;
  };
}

export function pushed(headSha: string, branch = 'feature'): CodeEvent {
  return codeEvent({ headSha, definitionsSha: headSha, branch, ref: `refs/heads/${branch}` });
}

export function opened(headSha: string, change: Partial<CodeEvent> = {}): CodeEvent {
  return codeEvent({
    type: 'pull_request',
    action: 'opened',
    headSha,
    definitionsSha: headSha,
    ref: 'refs/pull/7/head',
    pull: pullFacts({ headSha }),
    ...change,
  });
}

export function forked(headSha: string): CodeEvent {
  return opened(headSha, { definitionsSha: BASE, pull: pullFacts({ headSha, isFork: true }) });
}
