import type { JsonObject } from '../../base/json.ts';
import type { RepositoryFacts } from '../code-event.ts';
import type { Delivery } from '../delivery-handler.ts';
import { numberAt, objectsAt, textAt } from '../intake/payload.ts';
import { repositoryOf } from '../matching/code-events.ts';
import { tipOf } from '../matching/definitions.ts';
import type { GitHubAccess, Octokit } from '../octokit.ts';
import { type Callback, callbackFrom } from './callback.ts';

const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const ENVIRONMENT_CHARS_MAX = 255;
/** GitHub's own jobs of one workflow run wait for fewer. */
const ENVIRONMENTS_MAX = 20;
const NOT_FOUND = 404;

/** A job of GitHub Actions that waits before an environment, and what it would deploy there. */
export interface DeploymentAsk {
  readonly repository: RepositoryFacts;
  readonly workflowRunId: number;
  readonly attempt: number;
  readonly environment: string;
  /** GitHub's deployment of the job; null where the webhook does not name it. */
  readonly deploymentId: number | null;
  readonly sha: string;
  /** `refs/heads/main`; null where GitHub names none. */
  readonly ref: string | null;
  /** Who caused it. */
  readonly actor: { readonly login: string; readonly id: number | null };
  /** What started the workflow: `push`. */
  readonly event: string;
  readonly isFork: boolean;
  /** Where the commit is of exactly one. */
  readonly pullNumber: number | null;
}

/** What a webhook asks for, or why nobody is to be answered. */
export type DeploymentAsks =
  | { readonly asks: readonly DeploymentAsk[] }
  | { readonly asks: null; readonly note: string };

type WorkflowRun = Awaited<ReturnType<Octokit['rest']['actions']['getWorkflowRun']>>['data'];

/**
 * Reads `deployment_protection_rule.requested`, of which GitHub promises no field but the callback: what is not there is asked
 * for. Nothing is asked for where the workflow run has gone on since.
 */
export async function deploymentAsks(access: GitHubAccess, delivery: Delivery): Promise<DeploymentAsks> {
  const { payload } = delivery;
  const url = textAt(payload, 'deployment_callback_url');
  if (url === undefined) return refused('ignored: it names no callback');
  const callback = callbackFrom(url, access.app.request.endpoint.DEFAULTS.baseUrl);
  if (!callback) return refused('refused: its callback is no workflow run of this GitHub');
  const repository = repositoryOf(delivery) ?? (await findRepository(access, callback));
  if (!repository) return refused('ignored: the App is not installed there');
  if (!isNamed(repository, callback)) return refused('refused: its callback is of another repository');
  const octokit = await access.installation(repository.installationId);
  const run = await readWorkflowRun(octokit, repository, callback.workflowRunId);
  if (!run || run.status === 'completed') return refused('nothing to do: the workflow run is over');
  if (isOfEarlierAttempt(payload, run)) return refused('nothing to do: it is of an earlier attempt');
  const environments = await environmentsOf(octokit, repository, payload, run);
  const facts = await factsOf(octokit, repository, payload, run);
  return facts
    ? { asks: environments.map((environment) => ({ ...facts, environment })) }
    : refused('ignored: it names no commit');
}

function refused(note: string): DeploymentAsks {
  return { asks: null, note };
}

async function findRepository(access: GitHubAccess, { owner, repo }: Callback): Promise<RepositoryFacts | undefined> {
  const installation = await access.app.rest.apps.getRepoInstallation({ owner, repo }).catch(missing);
  if (!installation) return undefined;
  const octokit = await access.installation(installation.data.id);
  const { data } = await octokit.rest.repos.get({ owner, repo });
  return {
    installationId: installation.data.id,
    id: data.id,
    owner: data.owner.login,
    name: data.name,
    defaultBranch: data.default_branch,
    url: data.html_url,
  };
}

function isNamed(repository: RepositoryFacts, { owner, repo }: Callback): boolean {
  return `${repository.owner}/${repository.name}`.toLowerCase() === `${owner}/${repo}`.toLowerCase();
}

async function readWorkflowRun(
  octokit: Octokit,
  { owner, name: repo }: RepositoryFacts,
  run_id: number,
): Promise<WorkflowRun | undefined> {
  return (await octokit.rest.actions.getWorkflowRun({ owner, repo, run_id }).catch(missing))?.data;
}

/** Webhooks may come late: the attempt that runs now has sent one of its own. */
function isOfEarlierAttempt(payload: JsonObject, run: WorkflowRun): boolean {
  const created = Date.parse(textAt(payload, 'deployment.created_at') ?? '');
  return created < Date.parse(run.run_started_at ?? '');
}

/** Where it names none: all for which the workflow run waits. Those that another rule protects refuse our answer. */
async function environmentsOf(
  octokit: Octokit,
  { owner, name: repo }: RepositoryFacts,
  payload: JsonObject,
  { id: run_id }: WorkflowRun,
): Promise<readonly string[]> {
  const named = textAt(payload, 'environment') ?? textAt(payload, 'deployment.environment');
  if (named !== undefined && named !== '') return [named].filter(isEnvironment);
  const { data } = await octokit.rest.actions.getPendingDeploymentsForRun({ owner, repo, run_id });
  const names = data.flatMap(({ environment }) => environment.name ?? []);
  return [...new Set(names)].filter(isEnvironment).slice(0, ENVIRONMENTS_MAX);
}

function isEnvironment(name: string): boolean {
  return name.length <= ENVIRONMENT_CHARS_MAX;
}

async function factsOf(
  octokit: Octokit,
  repository: RepositoryFacts,
  payload: JsonObject,
  run: WorkflowRun,
): Promise<Omit<DeploymentAsk, 'environment'> | undefined> {
  const sha = [textAt(payload, 'deployment.sha'), run.head_sha].find((one) => one !== undefined && SHA.test(one));
  if (sha === undefined) return undefined;
  return {
    repository,
    workflowRunId: run.id,
    attempt: run.run_attempt ?? 1,
    deploymentId: numberAt(payload, 'deployment.id') ?? null,
    sha,
    ref: await wholeRef(octokit, repository, textAt(payload, 'deployment.ref') ?? run.head_branch),
    actor: actorOf(payload, run),
    event: textAt(payload, 'event') ?? run.event,
    // Of a repository that was deleted nothing is said.
    isFork: run.head_repository?.id !== repository.id,
    pullNumber: onlyPull(payload),
  };
}

function actorOf(payload: JsonObject, run: WorkflowRun): DeploymentAsk['actor'] {
  const login = textAt(payload, 'sender.login');
  if (login !== undefined) return { login, id: numberAt(payload, 'sender.id') ?? null };
  return run.triggering_actor ?? run.actor ?? { login: 'ghost', id: null };
}

function onlyPull(payload: JsonObject): number | null {
  const [only, ...others] = objectsAt(payload, 'pull_requests');
  return only && others.length === 0 ? (numberAt(only, 'number') ?? null) : null;
}

/** GitHub names branches and tags alike. */
async function wholeRef(octokit: Octokit, repository: RepositoryFacts, ref: string | null): Promise<string | null> {
  if (!ref) return null;
  if (ref.startsWith('refs/') || SHA.test(ref)) return ref;
  return (await tipOf(octokit, repository, ref)) === undefined ? `refs/tags/${ref}` : `refs/heads/${ref}`;
}

function missing(error: unknown): undefined {
  if ((error as { readonly status?: unknown }).status !== NOT_FOUND) throw error;
}
