import type { Engine } from '../../../../src/engine/engine.ts';
import type { GitHubAccess } from '../../../../src/github/octokit.ts';
import type { GitHubRun, GitHubRuns } from '../../../../src/protocol/github-run.ts';
import type { Installations } from '../../../../src/protocol/installation.ts';
import { openCheckBoard } from '../../../../src/store/check-board.ts';
import type { Database } from '../../../../src/store/database.ts';
import { openDispatches } from '../../../../src/store/dispatches.ts';
import { openGitHubRuns } from '../../../../src/store/github-runs.ts';
import { openInstallations } from '../../../../src/store/installations.ts';
import { checkSpec } from '../../../fakes/checks.ts';
import { openTestEngine } from '../../../fakes/engine.ts';
import { githubRun } from '../../../fakes/github-runs.ts';
import { NO_QUOTAS } from '../../../fakes/job-quotas.ts';
import { planOf, planStep, TRIGGER } from '../../../fakes/plans.ts';
import { freshDatabase } from '../../../fresh-database.ts';
import { FarEnd } from '../matching/far-end.ts';
import { HEAD } from '../matching/sample-events.ts';

const TABLES = 'github_run report report_pull dispatch delivery suspended_installation';

interface PlaceTools {
  readonly access: GitHubAccess;
  readonly engine: Engine;
  readonly runs: GitHubRuns;
  readonly installations: Installations;
}

/** An engine, a GitHub far away, and runs as they are kept for it, with everything that hangs on one. */
export class PlaceWorld {
  readonly far = new FarEnd();
  readonly db: Database;
  readonly engine: Engine;
  readonly runs: GitHubRuns;
  readonly installations: Installations;
  #access: GitHubAccess | undefined;
  readonly #drop: () => Promise<void>;

  private constructor(db: Database, engine: Engine, drop: () => Promise<void>) {
    this.db = db;
    this.engine = engine;
    this.runs = openGitHubRuns(db);
    this.installations = openInstallations(db);
    this.#drop = drop;
  }

  /** @param url of the database; without one it is embedded */
  static async open(url: string | undefined): Promise<PlaceWorld> {
    const fresh = await freshDatabase(url);
    const db = await fresh.open();
    const world = new PlaceWorld(db, await openTestEngine(db), fresh.drop);
    world.#access = await world.far.open();
    return world;
  }

  /** What those who hear of a place work with. */
  get tools(): PlaceTools {
    if (this.#access === undefined) throw new Error('expected an open world');
    return { access: this.#access, engine: this.engine, runs: this.runs, installations: this.installations };
  }

  async reset(): Promise<void> {
    this.far.reset();
    for (const table of TABLES.split(' ')) await this.db.query('', `delete from ${table}`, []);
  }

  async close(): Promise<void> {
    await this.far.close();
    await this.engine.close();
    await this.db.close();
    await this.#drop();
  }

  /** A run that waits for its job, with a check that is to be written and a job that is to be asked for. Answers its id. */
  async start(change: Partial<GitHubRun> = {}): Promise<string> {
    const { run } = await this.engine.startRun({ plan: planOf([planStep('a')]), trigger: TRIGGER, isDedicated: true });
    const { id: runId } = await this.engine.readRun(run);
    const row = githubRun({ runId, headSha: HEAD, ref: 'refs/pull/7/head', pullNumber: 7, ...change });
    await this.runs.add(row);
    await openCheckBoard(this.db).put(row, checkSpec({ externalId: runId }));
    const job = { dispatchId: `d-${runId}`, class: 'linux', ordinal: 1, labels: [], ref: 'main' };
    await openDispatches(this.db, { now: Date.now }).request({ ...row, ...job }, NO_QUOTAS);
    return runId;
  }

  /** `running waits 1 1`: how the run is, whether it is still reported, checks to be written, jobs to be asked for. */
  async stateOf(runId: string): Promise<string> {
    const { status } = await this.engine.readRun(await this.engine.resolve(runId));
    const [row] = await this.db.query(
      '',
      `select case when closed_at is null then 'waits' else 'closed' end,
         (select count(*)::int from report where external_id = $1 and is_due),
         (select count(*)::int from dispatch where run_key = $1 and status < 3)
       from github_run where run_id = $1`,
      [runId],
    );
    return `${status} ${row?.join(' ')}`;
  }

  /** Where the run, its check, its pull request and its job are, each once. */
  async addressesOf(runId: string): Promise<readonly string[]> {
    const rows = await this.db.query(
      '',
      `select distinct installation_id || ' ' || owner || '/' || repo from (
         select installation_id, owner, repo from github_run where run_id = $1
         union all select installation_id, owner, repo from report where external_id = $1
         union all select p.installation_id, p.owner, p.repo from report_pull p join github_run g
           on g.repository_id = p.repository_id and g.pull_number = p.pull_number where g.run_id = $1
         union all select installation_id, owner, repo from dispatch where run_key = $1) as a`,
      [runId],
    );
    return rows.map(([address]) => String(address));
  }
}
