import { MaestroError } from '../../../../src/base/errors.ts';
import type { GitHubAccess } from '../../../../src/github/octokit.ts';
import { Reporter, type ReporterOptions } from '../../../../src/github/report/reporter.ts';
import type { GitHubRun } from '../../../../src/protocol/github-run.ts';
import type { RunView } from '../../../../src/protocol/run.ts';
import { openCheckBoard } from '../../../../src/store/check-board.ts';
import type { Database } from '../../../../src/store/database.ts';
import { openGitHubRuns } from '../../../../src/store/github-runs.ts';
import { migrate } from '../../../../src/store/migrate.ts';
import { openWriteAllowance } from '../../../../src/store/write-allowance.ts';
import { freshDatabase } from '../../../fresh-database.ts';
import { APP, FarEnd } from './far-end.ts';
import { planOf } from './views.ts';

const TABLES = ['report', 'report_pull', 'github_run', 'write_allowance'];

/** A reporter on a real store before a far end over HTTP, with runs and a clock that the test moves. */
export class Reporting {
  readonly far = new FarEnd();
  readonly views = new Map<string, { view: RunView; version: number }>();
  readonly clock = { ms: Date.parse('2026-11-20T10:00:00Z'), now: (): number => this.clock.ms };
  readonly errors: unknown[] = [];
  /** Of every run. */
  plan = planOf();
  readonly db: Database;
  readonly #drop: () => Promise<void>;

  /** @param url of a Postgres; embedded where there is none */
  static async open(url?: string): Promise<Reporting> {
    const fresh = await freshDatabase(url);
    const db = await fresh.open();
    await migrate(db);
    const reporting = new Reporting(db, fresh.drop);
    await reporting.far.open();
    return reporting;
  }

  private constructor(db: Database, drop: () => Promise<void>) {
    this.db = db;
    this.#drop = drop;
  }

  async close(): Promise<void> {
    await this.far.close();
    await this.db.close();
    await this.#drop();
  }

  async empty(): Promise<void> {
    for (const table of TABLES) await this.db.query('', `truncate ${table}`, []);
    this.far.checks.length = 0;
    this.far.comments.length = 0;
    this.far.requests.length = 0;
    this.far.fault = () => undefined;
    this.views.clear();
    this.errors.length = 0;
  }

  get runs() {
    return openGitHubRuns(this.db);
  }

  get board() {
    return openCheckBoard(this.db);
  }

  /** A process of its own: it knows nothing of what another one did. */
  reporter(change: Partial<ReporterOptions> = {}): Reporter {
    const access: Pick<GitHubAccess, 'installation'> = { installation: async () => this.far.octokit };
    return new Reporter({
      book: this.board,
      allowance: openWriteAllowance(this.db),
      board: this.board,
      runs: this.runs,
      tellers: [],
      access,
      app: APP,
      clock: this.clock,
      // No time of the database has fractions.
      random: () => 1e-9,
      publicUrl: 'https://maestro.example.com',
      onError: (error) => this.errors.push(error),
      feed: {
        next: async () => {},
        versions: async (ids) => new Map(ids.flatMap((id) => (this.views.has(id) ? [[id, this.#at(id).version]] : []))),
        readRun: async (id) => this.#at(id).view,
        readPlan: async () => this.plan,
        readJobs: async () => [],
      },
      ...change,
    });
  }

  /** The run as it is from now on. */
  async show(place: GitHubRun, view: RunView): Promise<void> {
    await this.runs.add(place);
    this.views.set(place.runId, { view, version: (this.views.get(place.runId)?.version ?? 0) + 1 });
  }

  #at(id: string): { view: RunView; version: number } {
    const found = this.views.get(id);
    if (!found) throw new MaestroError('RUN_NOT_FOUND', `no run ${id}`);
    return found;
  }
}
