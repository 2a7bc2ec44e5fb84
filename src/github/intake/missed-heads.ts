import type { Clock } from '../../base/clock.ts';
import { isJsonObject } from '../../base/json.ts';
import type { GitHubRuns } from '../../protocol/github-run.ts';
import type { CodeEvent, RepositoryFacts } from '../code-event.ts';
import { pullEvent, pullFrom } from '../matching/code-events.ts';
import type { GitHubAccess, Octokit } from '../octokit.ts';
import { isDeploymentDecision } from '../protection/deployment-decision.ts';
import type { Starter } from '../starter.ts';

/** As long as GitHub keeps deliveries: what is older was seen, or was not ours to see. */
const YOUNG_MS = 3 * 86_400_000;
/** Commits are dated to the second. */
const SECOND_MS = 1000;
const INSTALLATIONS_MAX = 100;
const REPOSITORIES_AT_ONCE = 30;
const PULLS_MAX = 30;
/** Heads that were judged, so that one without a run is not judged at each sweep. */
const SEEN_MAX = 10_000;

export interface MissedHeadsOptions {
  readonly access: GitHubAccess;
  readonly starter: Starter;
  readonly runs: Pick<GitHubRuns, 'ofCommit'>;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/**
 * Gives to the starter what no webhook told of: the head of the default branch and the heads of open pull requests that
 * have no run. Only what changed within three days and since the App was installed there, so that an installation does
 * not start the past. About 30 repositories a sweep, two calls each and what the starter asks, each sweep going on where
 * the last one ended; 30 pull requests of each, of the first 100 installations. Other branches, tags, releases and merge groups are left to redelivery.
 */
export class MissedHeads {
  readonly #options: MissedHeadsOptions;
  readonly #seen = new Set<string>();
  /** The next installation, and of each the next page of its repositories. */
  #next = 0;
  readonly #pages = new Map<number, number>();

  constructor(options: MissedHeadsOptions) {
    this.#options = options;
  }

  async sweep(): Promise<void> {
    const { access, onError } = this.#options;
    const { data: installations } = await access.app.rest.apps.listInstallations({ per_page: INSTALLATIONS_MAX });
    let left = REPOSITORIES_AT_ONCE;
    for (let i = 0; i < installations.length && left > 0; i++) {
      const installation = installations[this.#next % installations.length];
      this.#next = (this.#next + 1) % installations.length;
      if (!installation || installation.suspended_at) continue;
      left -= await this.#installation(installation.id, installation.created_at).catch((error: unknown) => {
        onError(error);
        return 1;
      });
    }
  }

  /** Answers how many repositories were looked at. */
  async #installation(id: number, createdAt: string): Promise<number> {
    const { access, clock, onError } = this.#options;
    const octokit = await access.installation(id);
    const page = this.#pages.get(id) ?? 1;
    const per_page = REPOSITORIES_AT_ONCE;
    const { data } = await octokit.rest.apps.listReposAccessibleToInstallation({ per_page, page });
    this.#pages.set(id, page * per_page < data.total_count ? page + 1 : 1);
    const sinceMs = Math.max(clock.now() - YOUNG_MS, endOfSecond(createdAt));
    const active = data.repositories.filter((one) => !one.archived && isSince(one.pushed_at, sinceMs));
    for (const one of active) {
      const { id: repositoryId, name, default_branch: defaultBranch, html_url: url } = one;
      const facts = { installationId: id, id: repositoryId, owner: one.owner.login, name, defaultBranch, url };
      await this.#repository(octokit, facts, sinceMs).catch(onError);
    }
    return active.length;
  }

  async #repository(octokit: Octokit, repository: RepositoryFacts, sinceMs: number): Promise<void> {
    const place = { owner: repository.owner, repo: repository.name };
    const { data: pulls } = await octokit.rest.pulls.list({
      ...place,
      state: 'open',
      sort: 'updated',
      direction: 'desc',
      per_page: PULLS_MAX,
    });
    for (const data of pulls) {
      const pull = isSince(data.updated_at, sinceMs) ? pullFrom(data) : undefined;
      const author = { actor: data.user?.login ?? 'ghost', ...(data.user && { actorId: data.user.id }) };
      const facts = { action: 'synchronize', deliveryId: `sweep/${data.head.sha}`, repository };
      if (pull) await this.#offer(pullEvent(pull, { ...facts, ...author }));
    }
    const { data: branch } = await octokit.rest.repos.getBranch({ ...place, branch: repository.defaultBranch });
    const { commit, author, sha } = branch.commit;
    if (!isSince(commit.committer?.date, sinceMs)) return;
    await this.#offer(headEvent(repository, sha, authorOf(author), commit.message));
  }

  async #offer(event: CodeEvent): Promise<void> {
    const { starter, runs } = this.#options;
    const key = `${event.repository.id} ${event.ref} ${event.headSha}`;
    if (this.#seen.has(key)) return;
    const known = await runs.ofCommit(event.repository.id, event.headSha);
    // Jobs of Actions may have heard of the commit where we have not.
    if (known.every(isDeploymentDecision)) await starter.start(event);
    if (this.#seen.size >= SEEN_MAX) this.#seen.clear();
    this.#seen.add(key);
  }
}

/** What has the date of the installation's own second may be older than it, and is then the past. */
function endOfSecond(time: string): number {
  return (Math.floor(Date.parse(time) / SECOND_MS) + 1) * SECOND_MS;
}

function isSince(time: string | null | undefined, sinceMs: number): boolean {
  return time !== null && time !== undefined && Date.parse(time) >= sinceMs;
}

function headEvent(
  repository: RepositoryFacts,
  sha: string,
  author: Pick<CodeEvent, 'actor' | 'actorId'>,
  message: string,
): CodeEvent {
  return {
    type: 'push',
    action: null,
    deliveryId: `sweep/${sha}`,
    repository,
    ...author,
    happenedAt: null,
    pushedBy: null,
    headSha: sha,
    baseSha: null,
    beforeSha: null,
    definitionsSha: sha,
    ref: `refs/heads/${repository.defaultBranch}`,
    branch: repository.defaultBranch,
    tag: null,
    pull: null,
    commitMessage: message,
    command: null,
  };
}

function authorOf(author: unknown): Pick<CodeEvent, 'actor' | 'actorId'> {
  if (!isJsonObject(author)) return { actor: 'ghost' };
  const { login, id } = author;
  return {
    actor: typeof login === 'string' ? login : 'ghost',
    ...(typeof id === 'number' && { actorId: id }),
  };
}
