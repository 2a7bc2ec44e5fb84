import { invalid } from '../api-error.ts';
import { type Call, found, listed, needAuthorOrWrite, type Reply, type Routes } from '../call.ts';
import type { Comment } from '../model.ts';
import type { Fields } from '../shape.ts';
import { commentView } from '../view/comment.ts';
import { issueView } from '../view/pull.ts';
import { issueOf, needUnlocked } from './issues.ts';

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
};

function createComment(call: Call): Reply {
  const { world, repository } = call;
  const issue = issueOf(call);
  needUnlocked(call, issue);
  const comment: Comment = {
    id: world.nextId(),
    issue,
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

export function commentOf(call: Call): Comment {
  return found(call.repository.comments.get(call.number('comment_id')));
}

function bodyOf(call: Call): string {
  const body = call.needText('body');
  judgeBody(body);
  return body;
}

export function judgeBody(body: string): void {
  if (body.trim() === '')
    throw invalid('Validation Failed', [{ resource: 'IssueComment', field: 'body', code: 'missing_field' }]);
  if (body.length > BODY_MAX) throw invalid(`Body is too long (maximum is ${BODY_MAX} characters)`);
}

function view(call: Call, comment: Comment): Fields {
  return commentView(call.world, call.repository, comment);
}

function announce(call: Call, comment: Comment, action: string, more: Fields): void {
  const { world, repository, actor } = call;
  const payload = { issue: issueView(world, repository, comment.issue), comment: view(call, comment), ...more };
  world.emit({ event: 'issue_comment', action, repository, sender: actor, payload });
}
