import { invalid } from '../api-error.ts';
import { type Call, found, listed, type Reply, type Routes } from '../call.ts';
import type { Pull, Review } from '../model.ts';
import {
  addComment,
  announceComment,
  announceReview,
  commitIn,
  newReview,
  placeOf,
  REVIEW_STATES,
  type ReviewEvent,
} from '../review.ts';
import type { Fields } from '../shape.ts';
import { reviewView } from '../view/comment.ts';
import { judgeBody } from './comments.ts';
import { needUnlocked } from './issues.ts';
import { pullOf } from './pulls.ts';

export const REVIEWS: Routes = {
  'pulls/create-review': createReview,
  'pulls/submit-review': submitReview,
  'pulls/list-reviews': (call) => {
    const { issue } = pullOf(call);
    const own = [...call.repository.reviews.values()].filter(
      (review) => review.pull.issue.number === issue.number && isVisible(call, review),
    );
    return listed(call, own, (review) => reviewView(call.world, call.repository, review));
  },
  'pulls/get-review': (call) => ({ status: 200, body: reviewView(call.world, call.repository, reviewOf(call)) }),
};

function reviewOf(call: Call): Review {
  const review = found(call.repository.reviews.get(call.number('review_id')));
  return found(isVisible(call, review) ? review : undefined);
}

/** What is not submitted is its author's own. */
function isVisible(call: Call, review: Review): boolean {
  const { credential } = call.parts;
  const isAuthors = credential.kind !== 'anonymous' && call.actor.id === review.author.id;
  return review.submittedAt !== null || isAuthors;
}

async function createReview(call: Call): Promise<Reply> {
  const pull = pullOf(call);
  needUnlocked(call, pull.issue);
  const sha = await commitIn(call, pull);
  const event = eventOf(call);
  const given = (call.body['comments'] ?? []) as readonly Fields[];
  const body = call.text('body') ?? '';
  judgeReview(call, pull, { event, body, comments: given.length });
  const places = [];
  for (const one of given) places.push({ place: await placeOf(call, pull, sha, one), body: String(one['body']) });
  for (const one of places) judgeBody(one.body);
  const review = newReview(call, pull, { sha, body, event });
  const comments = places.map((one) => addComment(call, review, one.place, one.body));
  if (event !== null) {
    await announceReview(call, review);
    for (const comment of comments) await announceComment(call, comment);
  }
  return { status: 200, body: reviewView(call.world, call.repository, review) };
}

async function submitReview(call: Call): Promise<Reply> {
  const review = reviewOf(call);
  const event = eventOf(call);
  if (review.submittedAt !== null || event === null) throw invalid('Validation Failed', ['Review is not pending']);
  needUnlocked(call, review.pull.issue);
  const comments = [...call.repository.reviewComments.values()].filter((comment) => comment.review.id === review.id);
  const body = call.text('body') ?? review.body;
  judgeReview(call, review.pull, { event, body, comments: comments.length });
  Object.assign(review, { body, state: REVIEW_STATES[event], submittedAt: call.world.now() });
  await announceReview(call, review);
  for (const comment of comments) await announceComment(call, comment);
  return { status: 200, body: reviewView(call.world, call.repository, review) };
}

function eventOf(call: Call): ReviewEvent | null {
  const event = call.text('event');
  return event === undefined ? null : (event as ReviewEvent);
}

function judgeReview(
  call: Call,
  { issue }: Pull,
  { event, body, comments }: { readonly event: ReviewEvent | null; readonly body: string; readonly comments: number },
): void {
  const isOwn = issue.author.id === call.actor.id;
  if (isOwn && event === 'APPROVE') throw invalid('Unprocessable Entity', ['Can not approve your own pull request']);
  if (isOwn && event === 'REQUEST_CHANGES')
    throw invalid('Unprocessable Entity', ['Can not request changes on your own pull request']);
  const isWordless = event === 'REQUEST_CHANGES' || (event === 'COMMENT' && comments === 0);
  if (body !== '' || isWordless) judgeBody(body);
}
