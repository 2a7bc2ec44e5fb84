import type { ProtectionRequest } from '../../protocol/protection.ts';
import type { GitHubAccess } from '../octokit.ts';
import type { DecisionTools } from './decide-deployment.ts';
import { giveUp } from './protection-handlers.ts';

const REQUESTS_AT_ONCE = 30;
const NOT_FOUND = 404;

export interface AbandonedRequestsOptions extends Pick<DecisionTools, 'engine' | 'runs' | 'rules'> {
  readonly access: Pick<GitHubAccess, 'installation'>;
  readonly onError: (error: unknown) => void;
}

/**
 * Cancels decisions about jobs of GitHub Actions that nobody waits for any more, where the webhook that would have said so was
 * lost. About 30 a sweep, each sweep going on where the last one ended.
 */
export class AbandonedRequests {
  readonly #options: AbandonedRequestsOptions;
  #after: string | undefined;

  constructor(options: AbandonedRequestsOptions) {
    this.#options = options;
  }

  async sweep(): Promise<void> {
    const { rules, onError } = this.#options;
    const requests = await rules.open(REQUESTS_AT_ONCE, this.#after);
    this.#after = requests.length < REQUESTS_AT_ONCE ? undefined : requests.at(-1)?.runId;
    for (const request of requests) await this.#look(request).catch(onError);
  }

  async #look(request: ProtectionRequest): Promise<void> {
    const { access, runs } = this.#options;
    const row = await runs.find(request.runId);
    if (!row) return;
    const octokit = await access.installation(row.installationId);
    const place = { owner: row.owner, repo: row.repo, run_id: request.workflowRunId };
    const run = await octokit.rest.actions.getWorkflowRun(place).catch(missing);
    const isOver = !run || run.data.status === 'completed' || (run.data.run_attempt ?? 1) > request.attempt;
    if (isOver) await giveUp(this.#options, [request]);
  }
}

function missing(error: unknown): undefined {
  if ((error as { readonly status?: unknown }).status !== NOT_FOUND) throw error;
}
