import { type Digest, digestBytes } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { JobIdentity } from './job-identity.ts';

/** The workflow file that Maestro dispatches, in the user's repository. */
const WORKFLOW_PATH = '.github/workflows/maestro.yml';
const EVENT = 'workflow_dispatch';

/** What a job may do, once it has shown who it is. */
export interface AdmittedJob {
  /** Public id of the run that it serves. */
  readonly run: string;
  /** Runner class; `*` serves all of the run. */
  readonly class: string;
  readonly checkout: { readonly owner: string; readonly repo: string; readonly sha: string };
}

/** Who may become a worker. A job's identity is used up by the answer, but for who shows the same key again. */
export interface JobAdmission {
  /** @throws JOB_REFUSED for a job that is not the one that was asked for, CONFLICT for one that has registered, RUN_FINISHED for one that comes too late */
  admit(identity: JobIdentity, dispatchId: string, key: string): Promise<AdmittedJob>;
  /** Starts a run for the commit of a job in a user's own workflow; the job serves it. */
  start(identity: JobIdentity, request: RunOfJob, key: string): Promise<AdmittedJob>;
}

export interface RunOfJob {
  /** Name of the pipeline, or path of its file in the repository. */
  readonly pipeline: string;
  readonly params: Readonly<Record<string, Json>>;
}

/** A job that was asked of GitHub: the part of a dispatch that its identity is held against. */
export interface AwaitedJob {
  readonly runId: string;
  readonly class: string;
  readonly repositoryId: number;
  readonly owner: string;
  readonly repo: string;
  /** The default branch. */
  readonly ref: string;
  /** Null until it is known. */
  readonly workflowRunId: number | null;
}

/** Jobs that were asked for, as the store has them. */
export interface AwaitedJobs {
  find(dispatchId: string): Promise<AwaitedJob | undefined>;
  /** @throws CONFLICT where that attempt has registered with another key */
  register(
    dispatchId: string,
    job: {
      readonly repositoryId: number;
      readonly workflowRunId: number;
      readonly runAttempt: number;
      readonly keyDigest: Digest;
    },
  ): Promise<unknown>;
}

/**
 * Holds a job's identity against the dispatch that it names, and uses the dispatch up.
 * @throws JOB_REFUSED, CONFLICT
 */
export async function admitDispatchedJob(
  jobs: AwaitedJobs,
  identity: JobIdentity,
  dispatchId: string,
  key: string,
): Promise<AwaitedJob> {
  const awaited = await jobs.find(dispatchId);
  // Same words for a dispatch that is not there and one of another repository: nobody learns which ids exist.
  if (!awaited || awaited.repositoryId !== identity.repositoryId)
    throw new MaestroError('JOB_REFUSED', `repository ${identity.repository} has no job ${dispatchId} to register`);
  const problem = mismatch(identity, awaited);
  if (problem !== undefined) throw new MaestroError('JOB_REFUSED', problem);
  const { repositoryId, workflowRunId, runAttempt } = identity;
  await jobs.register(dispatchId, { repositoryId, workflowRunId, runAttempt, keyDigest: digestBytes(key) });
  return awaited;
}

function mismatch(identity: JobIdentity, awaited: AwaitedJob): string | undefined {
  if (identity.eventName !== EVENT) return `expected a job of the event ${EVENT}, got one of ${identity.eventName}`;
  const workflow = `${awaited.owner}/${awaited.repo}/${WORKFLOW_PATH}@refs/heads/${awaited.ref}`;
  // Owner and name are the only part that GitHub takes in any case; a branch or a path in another case is another one.
  if (withLowerRepository(identity.jobWorkflowRef) !== withLowerRepository(workflow))
    return `expected a job of ${workflow}, got one of ${identity.jobWorkflowRef}`;
  if (awaited.workflowRunId !== null && awaited.workflowRunId !== identity.workflowRunId)
    return `expected the job of workflow run ${awaited.workflowRunId}, got that of ${identity.workflowRunId}`;
  return undefined;
}

/**
 * Whether the job is of the workflow that Maestro dispatches. Such a job serves the run that it was asked for, which may be
 * of a fork, and a step that got hold of its identity must not start runs of the default branch with it.
 */
export function isDispatchedWorkflow({ repository, jobWorkflowRef }: JobIdentity): boolean {
  const [file = ''] = jobWorkflowRef.split('@', 1);
  return file.toLowerCase() === `${repository}/${WORKFLOW_PATH}`.toLowerCase();
}

function withLowerRepository(workflowRef: string): string {
  return workflowRef.replace(/^[^/]+\/[^/]+/, (repository) => repository.toLowerCase());
}
