import type { PromotionFindings } from '../../protocol/promotion-facts.ts';
import type { Octokit } from '../octokit.ts';
import { once } from '../report/request-limits.ts';

const ENVIRONMENTS_MAX = 20;
/** Of one environment and commit, the newest: somebody who deploys it for the tenth time has deployed it before. */
const DEPLOYMENTS_MAX = 10;
const STATUSES_MAX = 100;

type Deployed = PromotionFindings['deployments'][number];
type Deployment = Awaited<ReturnType<Octokit['rest']['repos']['listDeployments']>>['data'][number];

/** A commit, and who asks about it. */
export interface CommitAt {
  readonly octokit: Octokit;
  readonly owner: string;
  readonly repo: string;
  readonly commit: string;
  readonly appId: number;
  /** A job that asks whether it comes back: where it deploys, nothing counts but what its own workflow run has brought there. */
  readonly job?: { readonly environment: string; readonly workflowRunId: number };
}

/** Where others than Maestro deployed the commit, the newest of each environment. What it deployed itself, it knows better. */
export async function deployedElsewhere(at: CommitAt, environments: readonly string[]): Promise<readonly Deployed[]> {
  const found: Deployed[] = [];
  for (const environment of environments.slice(0, ENVIRONMENTS_MAX)) {
    const deployed = await newestOf(at, environment);
    if (deployed) found.push(deployed);
  }
  return found;
}

async function newestOf(at: CommitAt, environment: string): Promise<Deployed | undefined> {
  const { octokit, owner, repo, commit: sha, appId } = at;
  const ask = { owner, repo, sha, environment, per_page: DEPLOYMENTS_MAX, request: once() };
  const { data } = await octokit.rest.repos.listDeployments(ask);
  for (const deployment of data) {
    if (deployment.performed_via_github_app?.id === appId) continue;
    const success = await successOf(at, deployment);
    if (success) return { environment, sha, ...success };
  }
  return undefined;
}

/** One that was replaced has become inactive; one that failed after all does not count. */
async function successOf(
  { octokit, owner, repo, job }: CommitAt,
  { id, environment }: Deployment,
): Promise<Pick<Deployed, 'succeededAt' | 'endedAt'> | undefined> {
  const ask = { owner, repo, deployment_id: id, per_page: STATUSES_MAX, request: once() };
  const { data } = await octokit.rest.repos.listDeploymentStatuses(ask);
  const [newest] = data;
  if (newest?.state !== 'success' && newest?.state !== 'inactive') return undefined;
  const isOwn = environment === job?.environment ? ofWorkflowRun(job.workflowRunId) : () => true;
  const succeededAt = data.find((status) => status.state === 'success' && isOwn(status.log_url ?? ''))?.created_at;
  return succeededAt === undefined
    ? undefined
    : { succeededAt, endedAt: newest.state === 'inactive' ? newest.created_at : null };
}

/** What GitHub says of jobs links to them. */
function ofWorkflowRun(id: number): (url: string) => boolean {
  const page = new RegExp(`/actions/runs/${id}(?:[/?#]|$)`);
  return (url) => page.test(url);
}
