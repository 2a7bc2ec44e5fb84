import type { Session } from './database.ts';

/** A workflow run of GitHub Actions, in whose jobs steps of a run ran or are to run. */
export interface RunJob {
  readonly owner: string;
  readonly repo: string;
  readonly workflowRunId: number;
}

/** The newest first. Only those that GitHub has told the number of. */
export async function jobsOfRun(session: Session, runId: string, limit: number): Promise<readonly RunJob[]> {
  const rows = await session.query(
    'run_jobs',
    `select owner, repo, workflow_run_id from dispatch where run_key = $1 and workflow_run_id is not null
     group by owner, repo, workflow_run_id order by max(requested_at) desc, workflow_run_id desc limit $2`,
    [runId, limit],
  );
  return rows.map(([owner, repo, workflowRunId]) => ({
    owner: String(owner),
    repo: String(repo),
    workflowRunId: Number(workflowRunId),
  }));
}
