import { type Call, found, listed, type Reply, type Routes } from '../call.ts';
import type { Pull, ReviewComment } from '../model.ts';
import { addComment, announceComment, announceReview, commitIn, newReview, type Place, placeOf } from '../review.ts';
import { reviewCommentView } from '../view/comment.ts';
import { judgeBody } from './comments.ts';
import { needUnlocked } from './issues.ts';
import { pullOf } from './pulls.ts';

export const REVIEW_COMMENTS: Routes = {
  'pulls/create-review-comment': async (call) => {
    const pull = pullOf(call);
    const sha = await commitIn(call, pull);
    return await createSingle(call, pull, sha, await placeOf(call, pull, sha, call.body));
  },
  'pulls/create-reply-for-review-comment': async (call) => {
    const { id, replyTo, commitSha, path, line, side, hunk } = reviewCommentOf(call);
    const place = { path, line, side, hunk, replyTo: replyTo ?? id };
    return await createSingle(call, pullOf(call), commitSha, place);
  },
  'pulls/list-review-comments': (call) => {
    const { issue } = pullOf(call);
    return listComments(call, ({ pull }) => pull.issue.number === issue.number);
  },
  'pulls/list-comments-for-review': (call) =>
    listComments(call, ({ review }) => review.id === call.number('review_id')),
  'pulls/get-review-comment': (call) => ({
    status: 200,
    body: reviewCommentView(call.world, call.repository, reviewCommentOf(call)),
  }),
};

export function reviewCommentOf(call: Call): ReviewComment {
  return found(call.repository.reviewComments.get(call.number('comment_id')));
}

/** GitHub makes a review of one comment around it, and tells of both. */
async function createSingle(call: Call, pull: Pull, sha: string, place: Place): Promise<Reply> {
  const { world, repository } = call;
  needUnlocked(call, pull.issue);
  const body = call.needText('body');
  judgeBody(body);
  const review = newReview(call, pull, { sha, body: '', event: 'COMMENT' });
  const comment = addComment(call, review, place, body);
  await announceReview(call, review);
  await announceComment(call, comment);
  return { status: 201, body: reviewCommentView(world, repository, comment) };
}

function listComments(call: Call, isWanted: (comment: ReviewComment) => boolean): Reply {
  const { world, repository } = call;
  const wanted = [...repository.reviewComments.values()].filter(
    (comment) => comment.review.submittedAt !== null && isWanted(comment),
  );
  return listed(call, wanted, (comment) => reviewCommentView(world, repository, comment));
}
