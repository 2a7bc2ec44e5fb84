import { type AdmittedJob, isDispatchedWorkflow, type JobAdmission, type RunOfJob } from '../auth/job-admission.ts';
import type { JobIdentity } from '../auth/job-identity.ts';
import { digestBytes } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import { type Dispatches, EVERY_CLASS } from '../protocol/dispatch.ts';
import type { CodeEvent, RepositoryFacts } from './code-event.ts';
import type { GitHubAccess } from './octokit.ts';
import type { Starter } from './starter.ts';

const NOT_FOUND = 404;
const PULL_REF = /^refs\/pull\/(\d{1,15})\//;

export interface JobStarterOptions {
  readonly access: GitHubAccess;
  readonly starter: Starter;
  readonly dispatches: Pick<Dispatches, 'adopt'>;
  /** A new ULID. */
  readonly newId: () => string;
}

/**
 * Starts a pipeline for a job of a user's own workflow, at the commit that the job's identity names. The same attempt of
 * the job starts it once.
 * @throws JOB_REFUSED where the App is not installed there, for jobs that Maestro dispatched and for those of forks, PIPELINE_NOT_FOUND, PIPELINE_INVALID, CONFLICT
 */
export function openJobStarter({ access, starter, dispatches, newId }: JobStarterOptions): JobAdmission['start'] {
  return async (identity, request, key) => {
    if (isDispatchedWorkflow(identity))
      throw new MaestroError(
        'JOB_REFUSED',
        'a job of the workflow that Maestro dispatches serves its own run and starts none',
      );
    const repository = await repositoryOf(access, identity);
    await assertNoFork(access, identity, repository);
    const { workflowRunId, runAttempt } = identity;
    const report = await starter.start(eventOf(identity, request, repository), {
      pipeline: request.pipeline,
      params: textsOf(request.params),
      occasion: `job/${workflowRunId}/${runAttempt}`,
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
      checkout: { owner, repo, sha: identity.sha },
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
 * A repository may hand identities to pull requests of forks (GitHub has a setting for private ones), and the commit of
 * such a job holds the fork's own pipelines. Their runs are started by the pull request itself, once they are vouched for.
 */
async function assertNoFork(access: GitHubAccess, identity: JobIdentity, repository: RepositoryFacts): Promise<void> {
  const number = PULL_REF.exec(identity.ref)?.[1];
  if (number === undefined) return;
  const octokit = await access.installation(repository.installationId);
  const place = { owner: repository.owner, repo: repository.name, pull_number: Number(number) };
  const { head } = (await octokit.rest.pulls.get(place)).data;
  if (head.repo?.id !== repository.id)
    throw new MaestroError(
      'JOB_REFUSED',
      `pull request ${number} comes from a fork: its pipelines start by their own triggers, after /maestro ok-to-test`,
    );
}

function eventOf(identity: JobIdentity, request: RunOfJob, repository: RepositoryFacts): CodeEvent {
  return {
    type: 'dispatch',
    action: null,
    deliveryId: `job/${identity.workflowRunId}/${identity.runAttempt}`,
    repository,
    actor: identity.actor,
    headSha: identity.sha,
    baseSha: null,
    definitionsSha: identity.sha,
    ref: identity.ref,
    branch: null,
    tag: null,
    pull: null,
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
