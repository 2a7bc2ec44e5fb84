import { ApiError } from '../api-error.ts';
import { type Call, found, listed, type Reply, type Routes } from '../call.ts';
import type { Issue, Reaction } from '../model.ts';
import { fullName } from '../names.ts';
import { reactionView } from '../view/comment.ts';
import { commentOf } from './comments.ts';
import { issueOf } from './issues.ts';
import { reviewCommentOf } from './review-comments.ts';

export const REACTIONS: Routes = {
  'reactions/create-for-issue-comment': (call) => react(call, commentOf(call).issue, commentOf(call).reactions),
  'reactions/list-for-issue-comment': (call) => list(call, commentOf(call).reactions),
  'reactions/delete-for-issue-comment': (call) => remove(call, commentOf(call).reactions),
  'reactions/create-for-issue': (call) => react(call, issueOf(call), issueOf(call).reactions),
  'reactions/list-for-issue': (call) => list(call, issueOf(call).reactions),
  'reactions/create-for-pull-request-review-comment': (call) => {
    const { pull, reactions } = reviewCommentOf(call);
    return react(call, pull.issue, reactions);
  },
  'reactions/list-for-pull-request-review-comment': (call) => list(call, reviewCommentOf(call).reactions),
};

/** 200 where it is there already: reacting is idempotent. Nobody reacts to what is locked, with write access or without. */
function react(call: Call, { isLocked }: Issue, reactions: Reaction[]): Reply {
  const { world, actor, repository } = call;
  if (isLocked) throw new ApiError(403, 'Unable to create reaction because issue is locked.');
  const content = call.needText('content');
  const present = reactions.find((reaction) => reaction.content === content && reaction.author.id === actor.id);
  if (present !== undefined) return { status: 200, body: reactionView(world, present) };
  const reaction = { id: world.nextId(), content, author: actor, createdAt: world.now() };
  reactions.push(reaction);
  world.changed(fullName(repository));
  return { status: 201, body: reactionView(world, reaction) };
}

function list(call: Call, reactions: readonly Reaction[]): Reply {
  const wanted = reactions.filter(({ content }) => (call.query('content') ?? content) === content);
  return listed(call, wanted, (reaction) => reactionView(call.world, reaction));
}

function remove(call: Call, reactions: Reaction[]): Reply {
  const at = reactions.findIndex(({ id }) => id === call.number('reaction_id'));
  found(reactions[at]);
  reactions.splice(at, 1);
  return { status: 204 };
}
