import type { GitHubRun, GitHubRuns } from '../../protocol/github-run.ts';
import type { PromotionFindings, PromotionSource } from '../../protocol/promotion-facts.ts';
import type { ProtectionRules } from '../../protocol/protection.ts';
import type { GitHubAccess, Octokit } from '../octokit.ts';
import { isDeploymentDecision } from '../protection/deployment-decision.ts';
import { once } from '../report/request-limits.ts';
import { type CommitAt, deployedElsewhere } from './deployed-elsewhere.ts';

const PAGE = 100;
/** GitHub itself keeps a thousand checks of a commit, and as many statuses. */
const PAGES_MAX = 10;
/** 404, 422: no such commit. 409: a repository without any. */
const NO_COMMIT = new Set([404, 409, 422]);

export interface PromotionSourceOptions {
  readonly access: Pick<GitHubAccess, 'installation'>;
  readonly runs: Pick<GitHubRuns, 'find' | 'ofCommit'>;
  readonly rules: Pick<ProtectionRules, 'find'>;
  readonly appId: number;
}

type Check = NonNullable<PromotionFindings['checks']>[number];
type CheckRun = Awaited<ReturnType<Octokit['rest']['checks']['listForRef']>>['data']['check_runs'][number];

/** What GitHub knows of a commit that is to be promoted. */
export function openPromotionSource(options: PromotionSourceOptions): PromotionSource {
  return {
    facts: async ({ runId, commit, wantsChecks, environments }) => {
      const place = await options.runs.find(runId);
      if (!place) return undefined;
      const octokit = await options.access.installation(place.installationId);
      const job = isDeploymentDecision(place) ? await options.rules.find(runId) : undefined;
      const { owner, repo } = place;
      const at: CommitAt = { octokit, owner, repo, commit, appId: options.appId, ...(job && { job }) };
      const checks = wantsChecks ? await checksOf(options, at, place) : null;
      return { checks, deployments: await deployedElsewhere(at, environments) };
    },
  };
}

/** Null where there are more than can be looked through: nobody can say then that all of them are green. */
async function checksOf(
  options: PromotionSourceOptions,
  at: CommitAt,
  place: GitHubRun,
): Promise<readonly Check[] | null> {
  try {
    const [runs, statuses] = [await checkRuns(at), await statusesOf(at)];
    if (!runs || !statuses) return null;
    const isWaiting = await waitingForThis(options, at, place);
    return [...runs.filter((run) => !isWaiting(run)).map(toCheck), ...statuses];
  } catch (error) {
    if (NO_COMMIT.has((error as { readonly status?: number }).status ?? 0)) return null;
    throw error;
  }
}

/** The newest of each name and app. */
async function checkRuns({ octokit, owner, repo, commit: ref }: CommitAt): Promise<readonly CheckRun[] | null> {
  const newest = new Map<string, CheckRun>();
  for (let page = 1; page <= PAGES_MAX; page++) {
    const ask = { owner, repo, ref, filter: 'latest', per_page: PAGE, page, request: once() } as const;
    const { data } = await octokit.rest.checks.listForRef(ask);
    for (const run of data.check_runs) {
      const key = JSON.stringify([run.app?.id ?? null, run.name]);
      if (run.id > (newest.get(key)?.id ?? 0)) newest.set(key, run);
    }
    if (data.check_runs.length < PAGE) return [...newest.values()];
  }
  return null;
}

/**
 * Checks that are not green before the gate is answered, and would keep it from being: those of the run that asks, by id and by
 * the name that a rule requires; of all decisions about jobs of Actions; and of such a job itself, which waits for this one.
 */
async function waitingForThis(
  options: PromotionSourceOptions,
  at: CommitAt,
  place: GitHubRun,
): Promise<(run: CheckRun) => boolean> {
  const ofCommit = await options.runs.ofCommit(place.repositoryId, at.commit);
  const runIds = [place, ...ofCommit.filter(isDeploymentDecision)].map(({ runId }) => runId);
  const jobs = await waitingJobs(at);
  return ({ id, app, external_id: externalId, name }) => {
    if (app?.id !== at.appId) return jobs.has(id);
    const [runId = ''] = externalId?.split('/') ?? [];
    return runIds.includes(runId) || name === place.checkName || name.startsWith(`${place.checkName} / `);
  };
}

/** A job of Actions has the id of its check. */
async function waitingJobs({ octokit, owner, repo, job }: CommitAt): Promise<ReadonlySet<number>> {
  if (!job) return new Set();
  const ask = { owner, repo, run_id: job.workflowRunId, filter: 'latest', per_page: PAGE, request: once() } as const;
  const { data } = await octokit.rest.actions.listJobsForWorkflowRun(ask);
  return new Set(data.jobs.filter(({ status }) => status === 'waiting').map(({ id }) => id));
}

function toCheck({ name, status, conclusion }: CheckRun): Check {
  return { name, conclusion: status === 'completed' ? conclusion : null };
}

/** In the words of checks: a status that is pending has no conclusion. */
const CONCLUSIONS: Readonly<Record<string, string | null>> = { success: 'success', pending: null };

async function statusesOf({ octokit, owner, repo, commit: ref }: CommitAt): Promise<readonly Check[] | null> {
  const found: Check[] = [];
  for (let page = 1; page <= PAGES_MAX; page++) {
    const ask = { owner, repo, ref, per_page: PAGE, page, request: once() };
    const { statuses } = (await octokit.rest.repos.getCombinedStatusForRef(ask)).data;
    for (const { context: name, state } of statuses)
      found.push({ name, conclusion: Object.hasOwn(CONCLUSIONS, state) ? (CONCLUSIONS[state] ?? null) : 'failure' });
    if (statuses.length < PAGE) return found;
  }
  return null;
}
