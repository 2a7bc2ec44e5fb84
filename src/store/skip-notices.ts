import type { CheckTarget } from '../protocol/check.ts';
import type { GitHubRun } from '../protocol/github-run.ts';
import type { Session } from './database.ts';

/**
 * A branch rule takes `skipped` for a pass, and GitHub goes by the newest check of a name. So who says that a pipeline was
 * skipped and who adds a run of it take turns, also where they are two servers: neither misses the other's word.
 */
async function takeTurn(session: Session, repositoryId: number, headSha: string): Promise<void> {
  const commit = `${repositoryId} ${headSha}`;
  await session.query('skip_turn', 'select pg_advisory_xact_lock(hashtextextended($1, 4))', [commit]);
}

/**
 * Whether a check of that name may be said to be skipped: where no run of the commit has it or is about to, and nothing else
 * was said under it for another pull request. Of two pull requests with one head, the filter of one must not pass what is held for the other.
 */
export async function mayBeSkipped(
  session: Session,
  { repositoryId, headSha, pullNumber }: CheckTarget,
  name: string,
): Promise<boolean> {
  await takeTurn(session, repositoryId, headSha);
  const [row] = await session.query(
    'skip_allowed',
    `select not exists (select 1 from github_run where repository_id = $1 and head_sha = $2 and check_name = $3)
       and not exists (select 1 from report where repository_id = $1 and head_sha = $2 and kind = 'check' and name = $3
         and (not starts_with(external_id, 'notice/')
           or content ->> 'conclusion' is distinct from 'skipped' and pull_number is distinct from $4::int))`,
    [repositoryId, headSha, name, pullNumber ?? null],
  );
  return row?.[0] === true;
}

/** Before a run is added: takes back that its pipeline was skipped, where GitHub was not told yet. */
export async function withdrawSkip(
  session: Session,
  { repositoryId, headSha, checkName }: Pick<GitHubRun, 'repositoryId' | 'headSha' | 'checkName'>,
): Promise<void> {
  await takeTurn(session, repositoryId, headSha);
  await session.query(
    'skip_withdraw',
    `delete from report where repository_id = $1 and head_sha = $2 and kind = 'check' and name = $3
       and content ->> 'conclusion' = 'skipped' and remote_id is null and not is_unsure`,
    [repositoryId, headSha, checkName],
  );
}
