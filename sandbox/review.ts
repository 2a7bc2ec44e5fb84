import { invalid } from './api-error.ts';
import type { Call } from './call.ts';
import { hunkUntil } from './hunk.ts';
import type { Pull, Review, ReviewComment, Side } from './model.ts';
import type { Fields } from './shape.ts';
import { reviewCommentView, reviewView } from './view/comment.ts';
import { pullView } from './view/pull.ts';

const COMMITS_MAX = 250;
export const REVIEW_STATES = {
  APPROVE: 'APPROVED',
  REQUEST_CHANGES: 'CHANGES_REQUESTED',
  COMMENT: 'COMMENTED',
} as const;

export type ReviewEvent = keyof typeof REVIEW_STATES;

/** Where in a diff a comment stands. */
export type Place = Pick<ReviewComment, 'path' | 'line' | 'side' | 'hunk' | 'replyTo'>;

export function newReview(
  call: Call,
  pull: Pull,
  { sha, body, event }: { readonly sha: string; readonly body: string; readonly event: ReviewEvent | null },
): Review {
  const { world, repository, actor } = call;
  const review: Review = {
    id: world.nextId(),
    pull,
    author: actor,
    commitSha: sha,
    body,
    state: event === null ? 'PENDING' : REVIEW_STATES[event],
    submittedAt: event === null ? null : world.now(),
  };
  repository.reviews.set(review.id, review);
  return review;
}

/** Events write the state in small letters, and say null where there is no text. */
export async function announceReview(call: Call, review: Review): Promise<void> {
  const { world, repository, actor } = call;
  const view = reviewView(world, repository, review);
  const payload = {
    review: { ...view, state: review.state.toLowerCase(), body: review.body === '' ? null : review.body },
    pull_request: await pullView(world, repository, review.pull),
  };
  world.emit({ event: 'pull_request_review', action: 'submitted', repository, sender: actor, payload });
}

/** The commit that is talked about: the newest one, or an older one of the same pull request. */
export async function commitIn(call: Call, { baseSha, headSha }: Pull): Promise<string> {
  const sha = call.text('commit_id') ?? headSha;
  const { git } = call.repository;
  const isPart = sha === headSha || (await git.log([`${baseSha}..${headSha}`], COMMITS_MAX)).includes(sha);
  if (!isPart) throw invalid('Validation Failed', ['Commit is not part of the pull request']);
  return sha;
}

export function addComment(call: Call, review: Review, place: Place, body: string): ReviewComment {
  const { world, repository, actor } = call;
  const comment: ReviewComment = {
    ...place,
    id: world.nextId(),
    pull: review.pull,
    review,
    author: actor,
    commitSha: review.commitSha,
    createdAt: world.now(),
    updatedAt: world.now(),
    reactions: [],
    body,
  };
  repository.reviewComments.set(comment.id, comment);
  return comment;
}

export async function announceComment(call: Call, comment: ReviewComment): Promise<void> {
  const { world, repository, actor } = call;
  const payload = {
    comment: reviewCommentView(world, repository, comment),
    pull_request: await pullView(world, repository, comment.pull),
  };
  world.emit({ event: 'pull_request_review_comment', action: 'created', repository, sender: actor, payload });
}

/** A file of the diff, or a line of it. What is not in the diff cannot be commented on. */
export async function placeOf(call: Call, pull: Pull, sha: string, given: Fields): Promise<Place> {
  const { git } = call.repository;
  const path = String(given['path']);
  const side: Side = given['side'] === 'LEFT' ? 'LEFT' : 'RIGHT';
  const fork = (await git.mergeBase(pull.baseSha, sha)) ?? pull.baseSha;
  const file = (await git.files(fork, sha)).find((candidate) => candidate.path === path);
  if (file === undefined) throw unresolved('path');
  if (given['subject_type'] === 'file') return { path, line: null, side, hunk: file.patch, replyTo: null };
  const line = typeof given['line'] === 'number' ? given['line'] : 0;
  const hunk = hunkUntil(file.patch, side, line);
  if (hunk === null) throw unresolved('line');
  return { path, line, side, hunk, replyTo: null };
}

function unresolved(field: string): Error {
  const error = { resource: 'PullRequestReviewComment', code: 'custom', field: `pull_request_review_thread.${field}` };
  return invalid('Validation Failed', [{ ...error, message: 'could not be resolved' }]);
}
