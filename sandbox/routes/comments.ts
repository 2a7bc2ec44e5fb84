import { invalid } from '../api-error.ts';
import { type Call, found, listed, needAuthorOrWrite, type Reply, type Routes } from '../call.ts';
import type { Comment, ReviewComment } from '../model.ts';
import type { Fields } from '../shape.ts';
import { commentView, issueView, pullView, reviewCommentView } from '../view/pull.ts';
import { issueOf } from './issues.ts';

const BODY_MAX = 65_536;

export const COMMENTS: Routes = {
  'issues/create-comment': createComment,
  'issues/get-comment': (call) => ({ status: 200, body: view(call, commentOf(call)) }),
  'issues/list-comments': (call) => {
    const issue = issueOf(call);
    const since = call.query('since') ?? '';
    const own = [...call.repository.comments.values()].filter(
      (comment) => comment.issue.number === issue.number && comment.updatedAt >= since,
    );
    return listed(call, own, (comment) => view(call, comment));
  },
  'issues/list-comments-for-repo': (call) =>
    listed(call, [...call.repository.comments.values()], (comment) => view(call, comment)),
  'issues/update-comment': (call) => {
    const comment = commentOf(call);
    needAuthorOrWrite(call, comment.author);
    const before = comment.body;
    comment.body = bodyOf(call);
    comment.updatedAt = call.world.now();
    announce(call, comment, 'edited', { changes: { body: { from: before } } });
    return { status: 200, body: view(call, comment) };
  },
  'issues/delete-comment': (call) => {
    const comment = commentOf(call);
    needAuthorOrWrite(call, comment.author);
    call.repository.comments.delete(comment.id);
    announce(call, comment, 'deleted', {});
    return { status: 204 };
  },
  'pulls/create-review-comment': async (call) => {
    const line = call.body['line'];
    const facts = { path: call.needText('path'), line: typeof line === 'number' ? line : null, replyTo: null };
    return await createReviewComment(call, facts);
  },
  'pulls/create-reply-for-review-comment': async (call) => {
    const { path, line, id } = found(call.repository.reviewComments.get(call.number('comment_id')));
    return await createReviewComment(call, { path, line, replyTo: id });
  },
  'pulls/list-review-comments': (call) => {
    const number = call.number('pull_number');
    const own = [...call.repository.reviewComments.values()].filter(({ pull }) => pull.issue.number === number);
    return listed(call, own, (comment) => reviewCommentView(call.world, call.repository, comment));
  },
  'pulls/get-review-comment': (call) => {
    const comment = found(call.repository.reviewComments.get(call.number('comment_id')));
    return { status: 200, body: reviewCommentView(call.world, call.repository, comment) };
  },
};

function createComment(call: Call): Reply {
  const { world, repository } = call;
  const comment: Comment = {
    id: world.nextId(),
    issue: issueOf(call),
    author: call.actor,
    app: call.appOrNull,
    createdAt: world.now(),
    updatedAt: world.now(),
    reactions: [],
    body: bodyOf(call),
  };
  repository.comments.set(comment.id, comment);
  announce(call, comment, 'created', {});
  return { status: 201, body: view(call, comment) };
}

async function createReviewComment(
  call: Call,
  facts: Pick<ReviewComment, 'path' | 'line' | 'replyTo'>,
): Promise<Reply> {
  const { world, repository, actor } = call;
  const pull = found(repository.pulls.get(call.number('pull_number')));
  const comment: ReviewComment = {
    ...facts,
    id: world.nextId(),
    pull,
    author: actor,
    commitSha: call.text('commit_id') ?? pull.headSha,
    createdAt: world.now(),
    updatedAt: world.now(),
    reactions: [],
    body: bodyOf(call),
  };
  repository.reviewComments.set(comment.id, comment);
  const body = reviewCommentView(world, repository, comment);
  const payload = { comment: body, pull_request: await pullView(world, repository, pull) };
  world.emit({ event: 'pull_request_review_comment', action: 'created', repository, sender: actor, payload });
  return { status: 201, body };
}

function commentOf(call: Call): Comment {
  return found(call.repository.comments.get(call.number('comment_id')));
}

function bodyOf(call: Call): string {
  const body = call.needText('body');
  if (body.trim() === '')
    throw invalid('Validation Failed', [{ resource: 'IssueComment', field: 'body', code: 'missing_field' }]);
  if (body.length > BODY_MAX) throw invalid(`Body is too long (maximum is ${BODY_MAX} characters)`);
  return body;
}

function view(call: Call, comment: Comment): Fields {
  return commentView(call.world, call.repository, comment);
}

function announce(call: Call, comment: Comment, action: string, more: Fields): void {
  const { world, repository, actor } = call;
  const payload = { issue: issueView(world, repository, comment.issue), comment: view(call, comment), ...more };
  world.emit({ event: 'issue_comment', action, repository, sender: actor, payload });
}
