import { isJsonObject, type Json } from '../../base/json.ts';
import type { DueDeployment, Written } from '../../protocol/report-book.ts';
import type { Octokit } from '../octokit.ts';
import type { AppIdentity } from '../report/comment-writer.ts';
import { once } from '../report/request-limits.ts';

/**
 * Not GitHub's default, `deploy`: workflows of the repository may deploy whatever deployment of that task they hear of, and
 * this one is being deployed already.
 */
const TASK = 'deploy:maestro';
const PAGE = 100;
const PAGES_MAX = 5;

type RemoteDeployment = Awaited<ReturnType<Octokit['rest']['repos']['listDeployments']>>['data'][number];

/** Makes the deployment, or tells how it stands where it is made: one write, and another one where that is still due. */
export async function writeDeployment(octokit: Octokit, due: DueDeployment, app: AppIdentity): Promise<Written> {
  const id = due.remoteId ?? (due.isUnsure ? await findDeployment(octokit, due, app) : undefined);
  if (id === undefined) return { remoteId: await createDeployment(octokit, due), sentAnnotations: 0, isWhole: false };
  const isTold = due.isUnsure && (await standsSo(octokit, due, id));
  if (!isTold) await createStatus(octokit, due, id);
  return { remoteId: id, sentAnnotations: 0, isWhole: true };
}

/** The deployment of this run and environment, where a request to make it may have been carried out. */
async function findDeployment(octokit: Octokit, due: DueDeployment, app: AppIdentity): Promise<number | undefined> {
  const { owner, repo, headSha, spec } = due;
  const place = { owner, repo, sha: headSha, environment: spec.environment, task: TASK, per_page: PAGE };
  for (let page = 1; page <= PAGES_MAX; page++) {
    const { data } = await octokit.rest.repos.listDeployments({ ...place, page, request: once() });
    const found = data.find((one) => isOurs(one, app) && runOf(one.payload as Json) === spec.runId);
    if (found || data.length < PAGE) return found?.id;
  }
  return undefined;
}

/** Anybody who may deploy can write our payload into theirs. */
function isOurs({ performed_via_github_app: via, creator }: RemoteDeployment, app: AppIdentity): boolean {
  return via ? via.id === app.id : creator?.type === 'Bot' && creator.login === `${app.slug}[bot]`;
}

/** GitHub answers a payload as it was given, or as a text. */
function runOf(payload: Json): unknown {
  if (isJsonObject(payload)) return payload.run;
  if (typeof payload !== 'string') return undefined;
  try {
    const parsed = JSON.parse(payload) as Json;
    return isJsonObject(parsed) ? parsed.run : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether it may be deployed was decided before. GitHub would ask for all checks of the commit to be green, and the run's own is
 * not until this is over; and it would merge the default branch first.
 */
async function createDeployment(octokit: Octokit, { owner, repo, headSha, spec }: DueDeployment): Promise<number> {
  const { data } = await octokit.rest.repos.createDeployment({
    owner,
    repo,
    ref: headSha,
    task: TASK,
    auto_merge: false,
    required_contexts: [],
    environment: spec.environment,
    description: spec.title,
    payload: { run: spec.runId, plan: spec.planDigest },
    transient_environment: false,
    production_environment: spec.isProduction,
    request: once(),
  });
  if ('id' in data) return data.id;
  throw new Error(`GitHub made no deployment: ${data.message ?? 'no reason given'}`);
}

async function standsSo(octokit: Octokit, due: DueDeployment, id: number): Promise<boolean> {
  const { owner, repo, spec } = due;
  const place = { owner, repo, deployment_id: id, per_page: 1 };
  const { data } = await octokit.rest.repos.listDeploymentStatuses({ ...place, request: once() });
  const [newest] = data;
  return newest?.state === spec.state && newest.description === spec.description;
}

async function createStatus(octokit: Octokit, { owner, repo, spec }: DueDeployment, id: number): Promise<void> {
  await octokit.rest.repos.createDeploymentStatus({
    owner,
    repo,
    deployment_id: id,
    state: spec.state,
    description: spec.description,
    ...(spec.logUrl === null ? {} : { log_url: spec.logUrl }),
    ...(spec.environmentUrl === null ? {} : { environment_url: spec.environmentUrl }),
    auto_inactive: true,
    request: once(),
  });
}
