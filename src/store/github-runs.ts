import type { GitHubRun, GitHubRuns } from '../protocol/github-run.ts';
import { textArray } from './array-literal.ts';
import type { Database, Row } from './database.ts';
import { withdrawSkip } from './skip-notices.ts';

const COLUMNS =
  'run_id, installation_id, repository_id, owner, repo, head_sha, ref, default_branch, pull_number, is_fork, pipeline_path, check_name, survives_closing, base_ref, occasion';

export function openGitHubRuns(db: Database): GitHubRuns {
  return {
    add: (run) => add(db, run),
    join: async (runId, pullNumber) => {
      await db.query(
        'github_run_join',
        'update github_run set pull_number = $2 where run_id = $1 and pull_number is null',
        [runId, pullNumber],
      );
    },
    find: async (runId) => {
      const [row] = await db.query('github_run_find', `select ${COLUMNS} from github_run where run_id = $1`, [runId]);
      return row && toRun(row);
    },
    ofCommit: async (repositoryId, headSha) => {
      const rows = await db.query(
        'github_run_of_commit',
        `select ${COLUMNS} from github_run where repository_id = $1 and head_sha = $2 order by id desc`,
        [repositoryId, headSha],
      );
      return rows.map(toRun);
    },
    ofPull: async (repositoryId, pullNumber) => {
      const rows = await db.query(
        'github_run_of_pull',
        `select ${COLUMNS} from github_run where repository_id = $1 and pull_number = $2 order by id desc`,
        [repositoryId, pullNumber],
      );
      return rows.map(toRun);
    },
    newestOfRefs: async (repositoryId, refs) => {
      const [row] = await db.query(
        'github_run_of_refs',
        `select ${COLUMNS} from github_run where repository_id = $1 and ref = any ($2::text[]) order by id desc limit 1`,
        [repositoryId, textArray(refs)],
      );
      return row && toRun(row);
    },
    open: async (limit, afterRunId) => {
      const rows = await db.query(
        'github_run_open',
        `select ${COLUMNS} from github_run where closed_at is null
           and id > coalesce((select id from github_run where run_id = $2), 0) order by id limit $1`,
        [limit, afterRunId ?? null],
      );
      return rows.map(toRun);
    },
    close: async (runId) => {
      await db.query(
        'github_run_close',
        'update github_run set closed_at = now() where run_id = $1 and closed_at is null',
        [runId],
      );
    },
  };
}

async function add(db: Database, run: GitHubRun): Promise<void> {
  await db.transaction(async (session) => {
    await withdrawSkip(session, run);
    await session.query(
      'github_run_add',
      `insert into github_run (${COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
       on conflict (run_id) do update set pull_number = excluded.pull_number where github_run.pull_number is null`,
      [
        run.runId,
        run.installationId,
        run.repositoryId,
        run.owner,
        run.repo,
        run.headSha,
        run.ref,
        run.defaultBranch,
        run.pullNumber,
        run.isFork,
        run.pipelinePath,
        run.checkName,
        run.survivesClosing,
        run.baseRef,
        run.occasion,
      ],
    );
  });
}

function toRun(row: Row): GitHubRun {
  return {
    runId: String(row[0]),
    installationId: Number(row[1]),
    repositoryId: Number(row[2]),
    owner: String(row[3]),
    repo: String(row[4]),
    headSha: String(row[5]),
    ref: String(row[6]),
    defaultBranch: String(row[7]),
    pullNumber: row[8] === null ? null : Number(row[8]),
    isFork: row[9] === true,
    pipelinePath: String(row[10]),
    checkName: String(row[11]),
    survivesClosing: row[12] === true,
    baseRef: row[13] as string | null,
    occasion: String(row[14]),
  };
}
