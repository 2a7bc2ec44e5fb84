import { type Call, found, listed, type Reply, type Routes } from '../call.ts';
import type { Reaction } from '../model.ts';
import { fullName } from '../names.ts';
import { reactionView } from '../view/pull.ts';
import { issueOf } from './issues.ts';

export const REACTIONS: Routes = {
  'reactions/create-for-issue-comment': (call) => react(call, ofComment(call)),
  'reactions/list-for-issue-comment': (call) => list(call, ofComment(call)),
  'reactions/delete-for-issue-comment': (call) => remove(call, ofComment(call)),
  'reactions/create-for-issue': (call) => react(call, issueOf(call).reactions),
  'reactions/list-for-issue': (call) => list(call, issueOf(call).reactions),
  'reactions/create-for-pull-request-review-comment': (call) => react(call, ofReviewComment(call)),
  'reactions/list-for-pull-request-review-comment': (call) => list(call, ofReviewComment(call)),
};

function ofComment(call: Call): Reaction[] {
  return found(call.repository.comments.get(call.number('comment_id'))).reactions;
}

function ofReviewComment(call: Call): Reaction[] {
  return found(call.repository.reviewComments.get(call.number('comment_id'))).reactions;
}

/** 200 where it is there already: reacting is idempotent. */
function react(call: Call, reactions: Reaction[]): Reply {
  const { world, actor, repository } = call;
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
