import type { Comment, Issue, Reaction, Repository, Review, ReviewComment } from '../model.ts';
import { nodeId } from '../names.ts';
import type { Fields } from '../shape.ts';
import type { World } from '../world.ts';
import { accountView, appView, pageUrl, repositoryUrl } from './repository.ts';

export function commentView(world: World, repository: Repository, comment: Comment): Fields {
  const { issue, app } = comment;
  const url = `${repositoryUrl(world, repository)}/issues/comments/${comment.id}`;
  return {
    id: comment.id,
    node_id: nodeId('IssueComment', comment.id),
    url,
    html_url: `${pageUrl(world, repository)}/${repository.pulls.has(issue.number) ? 'pull' : 'issues'}/${issue.number}#issuecomment-${comment.id}`,
    issue_url: `${repositoryUrl(world, repository)}/issues/${issue.number}`,
    body: comment.body,
    user: accountView(world, comment.author),
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    author_association: association(world, repository, comment),
    performed_via_github_app: app === null ? null : appView(world, app),
    reactions: reactionsView(`${url}/reactions`, comment.reactions),
  };
}

export function reviewCommentView(world: World, repository: Repository, comment: ReviewComment): Fields {
  const { pull } = comment;
  const url = `${repositoryUrl(world, repository)}/pulls/comments/${comment.id}`;
  const page = `${pageUrl(world, repository)}/pull/${pull.issue.number}#discussion_r${comment.id}`;
  const pullUrl = `${repositoryUrl(world, repository)}/pulls/${pull.issue.number}`;
  return {
    id: comment.id,
    node_id: nodeId('PullRequestReviewComment', comment.id),
    url,
    html_url: page,
    pull_request_url: pullUrl,
    pull_request_review_id: comment.review.id,
    diff_hunk: comment.hunk,
    path: comment.path,
    position: comment.line ?? 1,
    original_position: comment.line ?? 1,
    line: comment.line,
    ...(comment.line === null ? {} : { original_line: comment.line }),
    start_line: null,
    original_start_line: null,
    start_side: null,
    side: comment.side,
    subject_type: comment.line === null ? 'file' : 'line',
    commit_id: comment.commitSha,
    original_commit_id: comment.commitSha,
    user: accountView(world, comment.author),
    body: comment.body,
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    author_association: association(world, repository, comment),
    ...(comment.replyTo === null ? {} : { in_reply_to_id: comment.replyTo }),
    _links: { self: { href: url }, html: { href: page }, pull_request: { href: pullUrl } },
    reactions: reactionsView(`${url}/reactions`, comment.reactions),
  };
}

export function reviewView(world: World, repository: Repository, review: Review): Fields {
  const { pull } = review;
  const page = `${pageUrl(world, repository)}/pull/${pull.issue.number}#pullrequestreview-${review.id}`;
  const pullUrl = `${repositoryUrl(world, repository)}/pulls/${pull.issue.number}`;
  return {
    id: review.id,
    node_id: nodeId('PullRequestReview', review.id),
    user: accountView(world, review.author),
    body: review.body,
    state: review.state,
    html_url: page,
    pull_request_url: pullUrl,
    ...(review.submittedAt === null ? {} : { submitted_at: review.submittedAt }),
    commit_id: review.commitSha,
    author_association: association(world, repository, review),
    _links: { html: { href: page }, pull_request: { href: pullUrl } },
  };
}

export function reactionView(world: World, reaction: Reaction): Fields {
  return {
    id: reaction.id,
    node_id: nodeId('Reaction', reaction.id),
    user: accountView(world, reaction.author),
    content: reaction.content,
    created_at: reaction.createdAt,
  };
}

export function reactionsView(url: string, reactions: readonly Reaction[]): Fields {
  const contents = ['+1', '-1', 'laugh', 'confused', 'heart', 'hooray', 'eyes', 'rocket'];
  const counts = contents.map((content) => [
    content,
    reactions.filter((reaction) => reaction.content === content).length,
  ]);
  return { url, total_count: reactions.length, ...Object.fromEntries(counts) };
}

/** What GitHub says about an author. Like the real one, it does not tell private members from strangers. */
export function association(world: World, repository: Repository, { author }: Pick<Issue, 'author'>): string {
  if (author.id === repository.owner.id) return 'OWNER';
  const isCollaborator = repository.collaborators.has(author.login.toLowerCase());
  if (!isCollaborator) return 'NONE';
  return repository.owner.type === 'Organization' ? 'CONTRIBUTOR' : 'COLLABORATOR';
}
