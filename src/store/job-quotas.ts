import type { DispatchRequest } from '../protocol/dispatch.ts';
import type { JobQuotas, QuotaFull } from '../protocol/quota.ts';
import type { Session } from './database.ts';

/** What is live beside a job that is asked for. */
export interface JobUse {
  /** Of its class. */
  readonly installationJobs: number;
  /** Of its class. */
  readonly repositoryJobs: number;
  readonly repositoryRuns: number;
  /** Its run has live jobs. */
  readonly isInside: boolean;
  /** Its ordinal was used. */
  readonly isTaken: boolean;
}

/**
 * Within the transaction that writes the job: until its end nobody else counts for the same installation, nor for the same
 * repository, which may have been another installation's. Jobs that others started are counted as well: they are there.
 */
export async function jobUse(session: Session, request: DispatchRequest): Promise<JobUse> {
  const { installationId, repositoryId, class: runnerClass, runId, ordinal } = request;
  // Two processes that count at the same moment would both find room. Always in this order, so that nobody waits in a circle.
  await session.query(
    'dispatch_quota_lock',
    'select pg_advisory_xact_lock(hashtextextended($1, 2)), pg_advisory_xact_lock(hashtextextended($2, 2))',
    [`dispatch ${installationId}`, `dispatch of repository ${repositoryId}`],
  );
  const [row = []] = await session.query(
    'dispatch_live_jobs',
    `select (select count(*)::int from dispatch where installation_id = $1 and class = $3 and status < 3),
       (count(*) filter (where class = $3))::int, count(distinct run_key)::int, coalesce(bool_or(run_key = $4), false),
       exists (select 1 from dispatch where run_key = $4 and class = $3 and ordinal = $5)
     from dispatch where repository_id = $2 and status < 3`,
    [installationId, repositoryId, runnerClass, runId, ordinal],
  );
  return {
    installationJobs: Number(row[0]),
    repositoryJobs: Number(row[1]),
    repositoryRuns: Number(row[2]),
    isInside: row[3] === true,
    isTaken: row[4] === true,
  };
}

/** The quota that has no place for one more job; undefined where all have. */
export function fullQuota(use: JobUse, quotas: JobQuotas): QuotaFull | undefined {
  const full = (['installationJobs', 'repositoryRuns', 'repositoryJobs'] as const).find((quota) => {
    const max = quotas[quota];
    return max !== null && use[quota] >= max && !(quota === 'repositoryRuns' && use.isInside);
  });
  return full && { quota: full, used: use[full] };
}
