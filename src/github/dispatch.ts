import { MaestroError, messageOf } from '../base/errors.ts';
import type {
  WorkflowDispatch,
  WorkflowDispatchAnswer,
  WorkflowDispatchRequest,
  WorkflowJobView,
  WorkflowRunView,
  WorkflowTarget,
} from '../protocol/workflow-dispatch.ts';
import { refusalOf, retryAfterMsOf } from './dispatch-refusal.ts';
import type { GitHubAccess, Octokit } from './octokit.ts';

/**
 * How a GitHub is asked for the id of the workflow run that it starts, best first. 2026-03-10 always answers it; 2022-11-28
 * where it is asked to; GHES up to 3.20 refuses that question.
 */
const DIALECTS = [
  { version: '2026-03-10', fields: {} },
  { version: '2022-11-28', fields: { return_run_details: true } },
  { version: '2022-11-28', fields: {} },
] as const;
/** Pinned for all other calls: every GitHub in support knows it, and their answers are the same in both. */
const READ_VERSION = '2022-11-28';
/** Longer than GitHub itself lets a request take (10 s), with room for Probot's queue of writes. */
const CALL_MS_MAX = 30_000;
const PAGE_SIZE = 100;
const PAGES_MAX = 5;
/** Clocks of GitHub and of this server differ: runs are looked for from a little earlier on. */
const CLOCK_SKEW_MS = 120_000;

export interface WorkflowDispatchOptions {
  readonly access: Pick<GitHubAccess, 'installation'>;
  readonly callMs?: number;
}

/** GitHub Actions over its REST API. What a host understands is learned from its answers, once. */
export function openWorkflowDispatch({ access, callMs = CALL_MS_MAX }: WorkflowDispatchOptions): WorkflowDispatch {
  const dialects = new Map<string, number>();
  const api = async (target: WorkflowTarget): Promise<Api> =>
    new Api(await withinTime(access.installation(target.installationId), AbortSignal.timeout(callMs)), target, callMs);
  return {
    dispatch: async (request) => dispatch(await api(request.target), dialects, request),
    findRun: async (target, workflow, dispatchId, since) => findRun(await api(target), workflow, dispatchId, since),
    cancel: async (target, workflowRunId) => {
      const answer = await (await api(target)).call('POST', `actions/runs/${workflowRunId}/cancel`, {});
      // 409: it has ended. 404: it was deleted.
      if (answer.status >= 400 && answer.status !== 409 && answer.status !== 404) throw unexpected(answer);
    },
    readRun: async (target, workflowRunId) => readRun(await api(target), workflowRunId),
  };
}

async function dispatch(
  api: Api,
  dialects: Map<string, number>,
  { workflow, ref, inputs }: WorkflowDispatchRequest,
): Promise<WorkflowDispatchAnswer> {
  for (let at = dialects.get(api.host) ?? 0; ; at++) {
    const dialect = DIALECTS[at] ?? DIALECTS[DIALECTS.length - 1];
    if (!dialect) throw new MaestroError('INTERNAL', 'no dialect of workflow dispatches is known');
    const path = `actions/workflows/${encodeURIComponent(workflow)}/dispatches`;
    const answer = await api.call('POST', path, { ref, inputs, ...dialect.fields }, dialect.version);
    const isLast = at >= DIALECTS.length - 1;
    if (!isLast && isNotUnderstood(answer)) continue;
    if (answer.status < 300) {
      const workflowRunId = numberAt(answer.data, 'workflow_run_id');
      // Accepted, so it must not be asked again; but the next dispatch is asked in another way.
      dialects.set(api.host, workflowRunId === null && !isLast ? at + 1 : at);
      return { status: 'accepted', workflowRunId };
    }
    if (isLimit(answer)) return { status: 'limited', retryAfterMs: retryAfterMsOf(answer.headers, Date.now()) };
    if (answer.status >= 500) throw unexpected(answer);
    return {
      status: 'refused',
      problem: refusalOf(answer.status, textAt(answer.data, 'message'), api.target, workflow, ref),
    };
  }
}

/** The version of the API, or the wish for the id, is what this GitHub does not know. */
function isNotUnderstood({ status, data }: Answer): boolean {
  const message = textAt(data, 'message');
  return (
    (status === 400 && /api.?version/i.test(message)) ||
    (status === 422 && /return_run_details/.test(message + JSON.stringify(data)))
  );
}

async function findRun(api: Api, workflow: string, dispatchId: string, since: string): Promise<number | undefined> {
  const oldestMs = Date.parse(since) - CLOCK_SKEW_MS;
  for (let page = 1; page <= PAGES_MAX; page++) {
    const answer = await api.call('GET', `actions/workflows/${encodeURIComponent(workflow)}/runs`, {
      event: 'workflow_dispatch',
      per_page: PAGE_SIZE,
      page,
    });
    if (answer.status === 404) return undefined;
    if (answer.status >= 400) throw unexpected(answer);
    const runs = listAt(answer.data, 'workflow_runs');
    const name = `maestro ${dispatchId}`;
    const found = runs.find((run) => textAt(run, 'display_title') === name || textAt(run, 'name') === name);
    if (found) return numberAt(found, 'id') ?? undefined;
    // Newest first. GitHub's filter for the time of creation is described in one way and understood in another.
    if (runs.length < PAGE_SIZE || Date.parse(textAt(runs.at(-1), 'created_at')) < oldestMs) return undefined;
  }
  return undefined;
}

async function readRun(api: Api, workflowRunId: number): Promise<WorkflowRunView | undefined> {
  const run = await api.call('GET', `actions/runs/${workflowRunId}`, {});
  if (run.status === 404) return undefined;
  if (run.status >= 400) throw unexpected(run);
  const jobs = await api.call('GET', `actions/runs/${workflowRunId}/jobs`, { filter: 'latest', per_page: PAGE_SIZE });
  if (jobs.status >= 400 && jobs.status !== 404) throw unexpected(jobs);
  return {
    workflowRunId,
    status: workflowStatus(textAt(run.data, 'status')),
    conclusion: textAt(run.data, 'conclusion') || null,
    attempt: numberAt(run.data, 'run_attempt') ?? 1,
    jobs: listAt(jobs.data, 'jobs').map(
      (job): WorkflowJobView => ({
        jobId: numberAt(job, 'id') ?? 0,
        name: textAt(job, 'name'),
        status: workflowStatus(textAt(job, 'status')),
        conclusion: textAt(job, 'conclusion') || null,
        labels: listAt(job, 'labels').map(String),
        runnerName: textAt(job, 'runner_name') || null,
      }),
    ),
  };
}

/** GitHub knows more ways to wait than matter here: `queued`, `requested`, `waiting`, `pending`. */
export function workflowStatus(status: string): 'queued' | 'running' | 'completed' {
  if (status === 'completed') return 'completed';
  return status === 'in_progress' ? 'running' : 'queued';
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly data: unknown;
}

/** One repository as one installation sees it. Answers of 4xx and 5xx are values. */
class Api {
  readonly host: string;
  readonly target: WorkflowTarget;
  readonly #octokit: Octokit;
  readonly #callMs: number;

  constructor(octokit: Octokit, target: WorkflowTarget, callMs: number) {
    this.#octokit = octokit;
    this.target = target;
    this.#callMs = callMs;
    this.host = octokit.request.endpoint.DEFAULTS.baseUrl;
  }

  /** @throws NETWORK_FAILED where there is no answer in time */
  async call(
    method: 'GET' | 'POST',
    path: string,
    parameters: Readonly<Record<string, unknown>>,
    version: string = READ_VERSION,
  ): Promise<Answer> {
    const { owner, repo } = this.target;
    const signal = AbortSignal.timeout(this.#callMs);
    try {
      return await withinTime(
        this.#octokit.request(`${method} /repos/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}/${path}`, {
          ...parameters,
          headers: { 'x-github-api-version': version },
          // A client that asks again by itself, or wakes up in an hour, would start the same job twice.
          request: { retries: 0, signal },
        }),
        signal,
      );
    } catch (error) {
      const answer = answerOf(error);
      if (answer) return answer;
      throw new MaestroError('NETWORK_FAILED', `GitHub did not answer for ${owner}/${repo}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

/** Probot waits for the end of a rate limit, up to an hour: whoever called has gone on by then. */
async function withinTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = Promise.withResolvers<never>();
  const onAbort = (): void => late.reject(new Error('no answer in time'));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function answerOf(error: unknown): Answer | undefined {
  const response = fieldAt(error, 'response');
  const status = numberAt(response, 'status');
  if (status === null) return undefined;
  return {
    status,
    headers: (fieldAt(response, 'headers') ?? {}) as Readonly<Record<string, unknown>>,
    data: fieldAt(response, 'data'),
  };
}

function isLimit({ status, headers, data }: Answer): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  return (
    headers['retry-after'] !== undefined ||
    headers['x-ratelimit-remaining'] === '0' ||
    /rate limit|abuse detection/i.test(textAt(data, 'message'))
  );
}

function unexpected(answer: Answer): MaestroError {
  if (isLimit(answer)) return new MaestroError('RATE_LIMITED', 'GitHub wants fewer calls of this installation');
  // Of a server that fails nobody knows what it did; a refusal is an answer.
  return new MaestroError(
    answer.status >= 500 ? 'NETWORK_FAILED' : 'CONFLICT',
    `GitHub answered ${answer.status}: ${textAt(answer.data, 'message').slice(0, 200)}`,
  );
}

function fieldAt(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function textAt(value: unknown, name: string): string {
  const field = fieldAt(value, name);
  return typeof field === 'string' ? field : '';
}

function numberAt(value: unknown, name: string): number | null {
  const field = fieldAt(value, name);
  return typeof field === 'number' && Number.isSafeInteger(field) ? field : null;
}

function listAt(value: unknown, name: string): readonly unknown[] {
  const field = fieldAt(value, name);
  return Array.isArray(field) ? field : [];
}
