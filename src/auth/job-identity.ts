import { MaestroError } from '../base/errors.ts';

/**
 * Who a job of GitHub Actions is, as the issuer of its token says.
 * @source https://docs.github.com/en/actions/reference/security/oidc
 */
export interface JobIdentity {
  readonly repositoryId: number;
  /** `OWNER/NAME`, for people: names change hands, ids do not. */
  readonly repository: string;
  readonly workflowRunId: number;
  readonly runAttempt: number;
  /** `push`, `workflow_dispatch`, … */
  readonly eventName: string;
  /** `OWNER/NAME/.github/workflows/FILE@REF` of the file that defines the job. */
  readonly jobWorkflowRef: string;
  readonly ref: string;
  /** The commit that the workflow runs for. */
  readonly sha: string;
  /** Login of whoever caused the workflow run. */
  readonly actor: string;
  /** The number of their account, where the issuer says it. */
  readonly actorId?: number;
}

const TEXT_CHARS_MAX = 1024;

/** @throws UNAUTHENTICATED where a claim is missing, or is not what GitHub says there */
export function readJobIdentity(claims: Readonly<Record<string, unknown>>): JobIdentity {
  return {
    repositoryId: number(claims, 'repository_id'),
    repository: text(claims, 'repository'),
    workflowRunId: number(claims, 'run_id'),
    runAttempt: number(claims, 'run_attempt'),
    eventName: text(claims, 'event_name'),
    jobWorkflowRef: text(claims, 'job_workflow_ref'),
    ref: text(claims, 'ref'),
    sha: text(claims, 'sha'),
    actor: text(claims, 'actor'),
    ...(claims.actor_id !== undefined && { actorId: number(claims, 'actor_id') }),
  };
}

/** GitHub writes numbers as strings. */
function number(claims: Readonly<Record<string, unknown>>, name: string): number {
  const value = Number(claims[name]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new MaestroError('UNAUTHENTICATED', `expected the token’s claim ${name} to be a positive number`);
}

function text(claims: Readonly<Record<string, unknown>>, name: string): string {
  const value = claims[name];
  if (typeof value === 'string' && value !== '' && value.length <= TEXT_CHARS_MAX) return value;
  throw new MaestroError('UNAUTHENTICATED', `expected the token’s claim ${name} to be a text`);
}
