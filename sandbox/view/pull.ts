import { baseTip } from '../branches.ts';
import type { Issue, Pull, Repository } from '../model.ts';
import { nodeId } from '../names.ts';
import type { Fields } from '../shape.ts';
import type { World } from '../world.ts';
import { association, reactionsView } from './comment.ts';
import { accountView, pageUrl, repositoryUrl, repositoryView } from './repository.ts';

export async function pullView(world: World, repository: Repository, pull: Pull): Promise<Fields> {
  const { issue, headRepository } = pull;
  const url = `${repositoryUrl(world, repository)}/pulls/${issue.number}`;
  const page = `${pageUrl(world, repository)}/pull/${issue.number}`;
  const files = await repository.git.files(
    (await repository.git.mergeBase(pull.baseSha, pull.headSha)) ?? pull.baseSha,
    pull.headSha,
  );
  const isOpen = issue.state === 'open';
  const isMergeable = isOpen
    ? (await repository.git.mergedTree(await baseTip(repository, pull), pull.headSha)) !== null
    : null;
  return {
    id: pull.id,
    node_id: nodeId('PullRequest', pull.id),
    number: issue.number,
    url,
    html_url: page,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    issue_url: `${repositoryUrl(world, repository)}/issues/${issue.number}`,
    comments_url: `${repositoryUrl(world, repository)}/issues/${issue.number}/comments`,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${repositoryUrl(world, repository)}/pulls/comments{/number}`,
    statuses_url: `${repositoryUrl(world, repository)}/statuses/${pull.headSha}`,
    state: issue.state,
    locked: issue.isLocked,
    active_lock_reason: issue.lockReason,
    title: issue.title,
    body: issue.body,
    user: accountView(world, issue.author),
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: isOpen ? null : issue.updatedAt,
    merged_at: pull.mergedAt,
    merged: pull.mergedAt !== null,
    merge_commit_sha: pull.mergeSha,
    merged_by: null,
    mergeable: isMergeable,
    mergeable_state: isMergeable === false ? 'dirty' : 'clean',
    draft: pull.isDraft,
    labels: issue.labels.map((name) => labelView(world, repository, name)),
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    milestone: null,
    auto_merge: null,
    author_association: association(world, repository, issue),
    head: sideView(world, headRepository, pull.headRef, pull.headSha),
    base: sideView(world, repository, pull.baseRef, pull.baseSha),
    comments: [...repository.comments.values()].filter((comment) => comment.issue.number === issue.number).length,
    review_comments: [...repository.reviewComments.values()].filter((comment) => comment.pull.id === pull.id).length,
    maintainer_can_modify: false,
    commits: (await repository.git.log([`${pull.baseSha}..${pull.headSha}`], 250)).length,
    additions: files.reduce((sum, file) => sum + file.additions, 0),
    deletions: files.reduce((sum, file) => sum + file.deletions, 0),
    changed_files: files.length,
    _links: linksView(world, repository, issue.number, pull.headSha),
  };
}

function sideView(world: World, repository: Repository, ref: string, sha: string): Fields {
  return {
    label: `${repository.owner.login}:${ref}`,
    ref,
    sha,
    user: accountView(world, repository.owner),
    repo: repositoryView(world, repository),
  };
}

function linksView(world: World, repository: Repository, number: number, sha: string): Fields {
  const url = repositoryUrl(world, repository);
  return {
    self: { href: `${url}/pulls/${number}` },
    html: { href: `${pageUrl(world, repository)}/pull/${number}` },
    issue: { href: `${url}/issues/${number}` },
    comments: { href: `${url}/issues/${number}/comments` },
    review_comments: { href: `${url}/pulls/${number}/comments` },
    review_comment: { href: `${url}/pulls/comments{/number}` },
    commits: { href: `${url}/pulls/${number}/commits` },
    statuses: { href: `${url}/statuses/${sha}` },
  };
}

export function issueView(world: World, repository: Repository, issue: Issue): Fields {
  const url = `${repositoryUrl(world, repository)}/issues/${issue.number}`;
  const isPull = repository.pulls.has(issue.number);
  const page = `${pageUrl(world, repository)}/${isPull ? 'pull' : 'issues'}/${issue.number}`;
  return {
    id: issue.id,
    node_id: nodeId('Issue', issue.id),
    number: issue.number,
    url,
    html_url: page,
    repository_url: repositoryUrl(world, repository),
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    state: issue.state,
    title: issue.title,
    body: issue.body,
    user: accountView(world, issue.author),
    labels: issue.labels.map((name) => labelView(world, repository, name)),
    assignee: null,
    assignees: [],
    milestone: null,
    locked: issue.isLocked,
    active_lock_reason: issue.lockReason,
    comments: [...repository.comments.values()].filter((comment) => comment.issue.number === issue.number).length,
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.state === 'open' ? null : issue.updatedAt,
    author_association: association(world, repository, issue),
    reactions: reactionsView(`${url}/reactions`, issue.reactions),
    ...(isPull
      ? {
          pull_request: {
            url: `${repositoryUrl(world, repository)}/pulls/${issue.number}`,
            html_url: page,
            diff_url: `${page}.diff`,
            patch_url: `${page}.patch`,
          },
        }
      : {}),
  };
}

export function labelView(world: World, repository: Repository, name: string): Fields {
  return {
    id: Array.from(name).reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_000_007, 7),
    node_id: `LA_${name}`,
    url: `${repositoryUrl(world, repository)}/labels/${encodeURIComponent(name)}`,
    name,
    description: null,
    color: 'ededed',
    default: false,
  };
}
