import { type AdmittedJob, isDispatchedWorkflow, type JobAdmission, type RunOfJob } from '../auth/job-admission.ts';
import type { JobIdentity } from '../auth/job-identity.ts';
import { digestBytes, digestJson } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import { type Dispatches, EVERY_CLASS } from '../protocol/dispatch.ts';
import type { CodeEvent, PullFacts, RepositoryFacts } from './code-event.ts';
import { pullFrom } from './matching/code-events.ts';
import type { GitHubAccess, Octokit } from './octokit.ts';
import type { Starter } from './starter.ts';

const NOT_FOUND = 404;
const PULL_REF = /^refs\/pull\/(\d{1,15})\/(merge$)?/;

export interface JobStarterOptions {
  readonly access: GitHubAccess;
  readonly starter: Starter;
  readonly dispatches: Pick<Dispatches, 'adopt'>;
  /** A new ULID. */
  readonly newId: () => string;
}

/**
 * Starts a pipeline for a job of a user's own workflow, at the commit that the job's identity names, or at the head of the pull
 * request whose merge that is. An attempt of the workflow starts it once with the same parameters, in one of its jobs.
 * @throws JOB_REFUSED where the App is not installed there, for jobs that Maestro dispatched and for those of forks, PIPELINE_NOT_FOUND, PIPELINE_INVALID
 * @throws CONFLICT where another job of the attempt has started the same
 */
export function openJobStarter({ access, starter, dispatches, newId }: JobStarterOptions): JobAdmission['start'] {
  return async (identity, request, key) => {
    if (isDispatchedWorkflow(identity))
      throw new MaestroError(
        'JOB_REFUSED',
        'a job of the workflow that Maestro dispatches serves its own run and starts none',
      );
    const repository = await repositoryOf(access, identity);
    const octokit = await access.installation(repository.installationId);
    const pull = await pullOf(octokit, identity, repository);
    const { workflowRunId, runAttempt } = identity;
    const params = textsOf(request.params);
    const report = await starter.start(eventOf(identity, request, repository, pull), {
      pipeline: request.pipeline,
      params,
      // Jobs of a matrix start the same pipeline with parameters of their own.
      occasion: `job/${workflowRunId}/${runAttempt}/${digestJson(params)}`,
    });
    const [started] = report.started;
    if (!started) throw notStarted(request, report.broken);
    const { installationId, id: repositoryId, owner, name: repo, defaultBranch: ref } = repository;
    await dispatches.adopt(
      { dispatchId: newId(), runId: started.runId, installationId, repositoryId, owner, repo, ref },
      { repositoryId, workflowRunId, runAttempt, keyDigest: digestBytes(key) },
    );
    return {
      run: started.runId,
      class: EVERY_CLASS,
      checkout: { owner, repo, sha: pull?.headSha ?? identity.sha },
    } satisfies AdmittedJob;
  };
}

/** By name, then held against the id: a name may have changed hands since the token was made. */
async function repositoryOf(access: GitHubAccess, identity: JobIdentity): Promise<RepositoryFacts> {
  const [owner = '', repo = ''] = identity.repository.split('/');
  const installation = await access.app.rest.apps.getRepoInstallation({ owner, repo }).catch((error: unknown) => {
    if ((error as { status?: unknown }).status !== NOT_FOUND) throw error;
    throw new MaestroError('JOB_REFUSED', `the App is not installed in ${identity.repository}: install it there first`);
  });
  const octokit = await access.installation(installation.data.id);
  const { data } = await octokit.rest.repos.get({ owner, repo });
  if (data.id !== identity.repositoryId)
    throw new MaestroError(
      'JOB_REFUSED',
      `${identity.repository} is another repository than the one of the job's token`,
    );
  return {
    installationId: installation.data.id,
    id: data.id,
    owner: data.owner.login,
    name: data.name,
    defaultBranch: data.default_branch,
    url: data.html_url,
  };
}

/**
 * The pull request that the workflow runs for; null where it runs for none.
 *
 * A repository may hand identities to pull requests of forks (GitHub has a setting for private ones), and the commit of
 * such a job holds the fork's own pipelines. Their runs are started by the pull request itself, once they are vouched for.
 */
async function pullOf(
  octokit: Octokit,
  identity: JobIdentity,
  { owner, name: repo }: RepositoryFacts,
): Promise<PullFacts | null> {
  const [, number, merge] = PULL_REF.exec(identity.ref) ?? [];
  if (number === undefined) return null;
  const { data } = await octokit.rest.pulls.get({ owner, repo, pull_number: Number(number) });
  const pull = pullFrom(data);
  if (pull?.isFork !== false)
    throw new MaestroError(
      'JOB_REFUSED',
      `pull request ${number} comes from a fork: its pipelines start by their own triggers, after /maestro ok-to-test`,
    );
  const headSha = merge === undefined ? identity.sha : await headOfMerge(octokit, { owner, repo }, identity.sha);
  return { ...pull, headSha };
}

/**
 * The head that GitHub merged for the workflow. The merge itself is on no branch and soon gone: a check on it is seen by nobody, and
 * a receipt that names it says nothing to a stranger. There may be a newer head by now.
 */
async function headOfMerge(
  octokit: Octokit,
  place: { readonly owner: string; readonly repo: string },
  mergeSha: string,
): Promise<string> {
  const { parents } = (await octokit.rest.git.getCommit({ ...place, commit_sha: mergeSha })).data;
  return parents.length === 2 ? (parents[1]?.sha ?? mergeSha) : mergeSha;
}

function eventOf(
  identity: JobIdentity,
  request: RunOfJob,
  repository: RepositoryFacts,
  pull: PullFacts | null,
): CodeEvent {
  const headSha = pull?.headSha ?? identity.sha;
  return {
    type: 'dispatch',
    action: null,
    deliveryId: `job/${identity.workflowRunId}/${identity.runAttempt}`,
    repository,
    actor: identity.actor,
    ...(identity.actorId !== undefined && { actorId: identity.actorId }),
    happenedAt: null,
    pushedBy: identity.actor,
    headSha,
    baseSha: null,
    beforeSha: null,
    definitionsSha: headSha,
    ref: identity.ref,
    branch: null,
    tag: null,
    pull,
    commitMessage: null,
    command: { name: request.pipeline, params: textsOf(request.params) },
  };
}

/** Parameters are read as their own types when the pipeline is compiled. */
function textsOf(params: Readonly<Record<string, Json>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

function notStarted(request: RunOfJob, broken: readonly string[]): MaestroError {
  if (broken.length > 0)
    return new MaestroError(
      'PIPELINE_INVALID',
      `${broken.join(', ')} does not compile at this commit: its check shows why`,
    );
  return new MaestroError(
    'PIPELINE_NOT_FOUND',
    `expected ${request.pipeline} to be the name or the path of a pipeline in .maestro/ at this commit`,
  );
}
