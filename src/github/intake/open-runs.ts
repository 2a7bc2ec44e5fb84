import type { GitHubRun, GitHubRuns } from '../../protocol/github-run.ts';
import { isRunFinal } from '../../protocol/run.ts';
import type { GitHubAccess } from '../octokit.ts';
import { type CodeHandlersOptions, cancelRuns } from './code-handlers.ts';
import { endsWithPull, reasonToEnd } from './reason-to-end.ts';

const RUNS_AT_ONCE = 100;

export interface OpenRunsOptions {
  readonly access: GitHubAccess;
  readonly engine: CodeHandlersOptions['engine'];
  readonly runs: GitHubRuns;
  readonly onError: (error: unknown) => void;
}

/**
 * Cancels runs that nobody can want any more, where the webhook that would have done it was lost: their pull request was
 * closed without being merged, or their branch is gone and its commit was not merged by a pull request. Runs of tags and
 * releases stay, and those that the closing itself started, or somebody after it. At most 100 runs a sweep, each sweep going on where the last one ended.
 */
export class OpenRuns {
  readonly #options: OpenRunsOptions;
  #after: string | undefined;

  constructor(options: OpenRunsOptions) {
    this.#options = options;
  }

  async sweep(): Promise<void> {
    const { runs, onError } = this.#options;
    const rows = await runs.open(RUNS_AT_ONCE, this.#after);
    this.#after = rows.length < RUNS_AT_ONCE ? undefined : rows.at(-1)?.runId;
    for (const group of byPlace(rows)) {
      // One repository that cannot be asked must not keep the others from being looked at.
      await this.#look(group).catch(onError);
    }
  }

  async #look(rows: readonly GitHubRun[]): Promise<void> {
    const { access, engine } = this.#options;
    const going: GitHubRun[] = [];
    for (const row of rows)
      if (!isRunFinal((await engine.readRun(await engine.resolve(row.runId))).status)) going.push(row);
    const [first] = going;
    if (!first) return;
    const reason = await reasonToEnd(await access.installation(first.installationId), first);
    if (reason !== null) await cancelRuns({ engine }, going, reason);
  }
}

/** Runs of one pull request, or of one commit of one ref: they are asked about once. */
function byPlace(rows: readonly GitHubRun[]): readonly (readonly GitHubRun[])[] {
  const places = Map.groupBy(rows, (row) => {
    const { repositoryId, ref, pullNumber, headSha, survivesClosing } = row;
    return endsWithPull(row) ? `${repositoryId} ${pullNumber}` : `${repositoryId} ${ref} ${headSha} ${survivesClosing}`;
  });
  return [...places.values()];
}
