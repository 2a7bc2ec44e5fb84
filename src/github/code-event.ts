/** A repository as an event names it. `id` is what stays equal when it is renamed or moved. */
export interface RepositoryFacts {
  readonly installationId: number;
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  readonly defaultBranch: string;
  /** `https://github.com/owner/name` */
  readonly url: string;
}

export interface PullFacts {
  readonly number: number;
  readonly headSha: string;
  readonly headRef: string;
  readonly baseRef: string;
  readonly baseSha: string;
  readonly author: string;
  /** The head lies in another repository, or in one that was deleted. */
  readonly isFork: boolean;
  readonly isDraft: boolean;
  readonly labels: readonly string[];
}

export type CodeEventType = 'push' | 'tag' | 'pull_request' | 'merge_group' | 'release' | 'command' | 'dispatch';

/**
 * Why pipelines of a repository may start: one event, with everything that matching needs but the files themselves.
 *
 * Definitions (pipelines, policy, prompts) are read at `definitionsSha`: the head, or for a fork the base branch.
 */
export interface CodeEvent {
  readonly type: CodeEventType;
  /** As GitHub names it: `opened`, `synchronize`, `published`. Null where the event has none. */
  readonly action: string | null;
  /** `X-GitHub-Delivery` of what caused it. */
  readonly deliveryId: string;
  readonly repository: RepositoryFacts;
  /** When it happened, by GitHub's clock in whole seconds, ISO 8601; null where that is not known. It may be heard of late. */
  readonly happenedAt: string | null;
  /** Login of who caused it. */
  readonly actor: string;
  /** The number of their account, which stays when they are renamed; absent where it is not known. */
  readonly actorId?: number;
  /** Login of who brought the commit here, by a push or by opening the pull request; null where that is not what happened. */
  readonly pushedBy: string | null;
  /** The commit under test: checks are posted on it. */
  readonly headSha: string;
  /** What a path filter compares with; null for a first push, a tag or a release. */
  readonly baseSha: string | null;
  /** Where the ref, or the head of the pull request, was before; null where it was nowhere, or where nothing moved. */
  readonly beforeSha: string | null;
  readonly definitionsSha: string;
  /** `refs/heads/main`, `refs/tags/v1`, `refs/pull/7/head`. */
  readonly ref: string;
  /** What a branch filter looks at: the pushed branch, or the base branch of a pull request. */
  readonly branch: string | null;
  readonly tag: string | null;
  readonly pull: PullFacts | null;
  /** Message of the head commit, for skip-ci markers; null where skipping does not apply. */
  readonly commitMessage: string | null;
  /** For `command`: what was asked. */
  readonly command: { readonly name: string; readonly params: Readonly<Record<string, string>> } | null;
}
