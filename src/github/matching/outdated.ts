import { timeOfUlid } from '../../base/ids.ts';
import type { GitHubRuns } from '../../protocol/github-run.ts';
import type { CodeEvent } from '../code-event.ts';
import type { GitHubAccess } from '../octokit.ts';
import { isStillHead } from './still-head.ts';

/**
 * Whether word of a commit came so late that its branch has gone on: another commit of it has a run that began after the
 * event, and GitHub says that this one is not the head any more. Started now, it would cancel the newer run, or be deployed
 * over it. Costs a call only where there is such a run.
 */
export async function isOutdated(
  { access, runs }: { readonly access: GitHubAccess; readonly runs: Pick<GitHubRuns, 'newestOfRefs'> },
  event: CodeEvent,
): Promise<boolean> {
  const { happenedAt, repository, headSha } = event;
  if (happenedAt === null || !bringsCode(event)) return false;
  const newest = await runs.newestOfRefs(repository.id, refsOf(event));
  if (!newest || newest.headSha === headSha || timeOfUlid(newest.runId) <= Date.parse(happenedAt)) return false;
  return !(await isStillHead(await access.installation(repository.installationId), event));
}

function bringsCode({ type, action }: CodeEvent): boolean {
  return type === 'push' || (type === 'pull_request' && action !== 'closed');
}

function refsOf({ ref, pull }: CodeEvent): readonly string[] {
  return pull === null || pull.isFork ? [ref] : [ref, `refs/heads/${pull.headRef}`];
}
