import type { JsonObject } from '../../base/json.ts';
import type { RepositoryFacts } from '../code-event.ts';
import type { Delivery } from '../delivery-handler.ts';
import { flagAt, numberAt, objectAt, textAt } from '../intake/payload.ts';
import { repositoryOf } from '../matching/code-events.ts';
import type { Person } from '../people/role-of.ts';

/** A comment that may hold commands. */
export interface CommentRequest {
  /** Names the comment in the records: a redelivery has the same. */
  readonly key: string;
  readonly kind: 'issue' | 'line' | 'review';
  readonly commentId: number;
  readonly body: string;
  /** GitHub's clock, ISO 8601. */
  readonly createdAt: string;
  /** The commit that a review, or a comment on a line, is of; null where the comment names none. */
  readonly reviewedSha: string | null;
  readonly author: Person;
  readonly repository: RepositoryFacts;
  /** Everybody may read the repository. */
  readonly isPublic: boolean;
  /** Of the pull request or issue. */
  readonly number: number;
  readonly isPull: boolean;
}

/** The new comment of a delivery; undefined where it is edited, deleted, or written by an app. */
export function commentOf(delivery: Delivery): CommentRequest | undefined {
  const { payload, event, action } = delivery;
  const kind = KINDS[`${event}.${action}`];
  const comment = objectAt(payload, kind === 'review' ? 'review' : 'comment');
  if (kind === undefined || comment === undefined || isApp(comment, payload)) return undefined;
  const place = placeOf(delivery, kind);
  const author = personAt(comment, 'user');
  const commentId = numberAt(comment, 'id');
  const said = saidIn(comment, kind);
  if (!place || !author || commentId === undefined || !said) return undefined;
  return { key: `${kind}-comment/${commentId}`, kind, commentId, author, ...said, ...place };
}

function saidIn(
  comment: JsonObject,
  kind: CommentRequest['kind'],
): Pick<CommentRequest, 'body' | 'createdAt' | 'reviewedSha'> | undefined {
  const createdAt = textAt(comment, 'created_at') ?? textAt(comment, 'submitted_at');
  if (createdAt === undefined) return undefined;
  const reviewedSha = kind === 'issue' ? null : (textAt(comment, 'commit_id') ?? null);
  return { body: textAt(comment, 'body') ?? '', createdAt, reviewedSha };
}

function placeOf(
  delivery: Delivery,
  kind: CommentRequest['kind'],
): Pick<CommentRequest, 'repository' | 'isPublic' | 'number' | 'isPull'> | undefined {
  const { payload } = delivery;
  const repository = repositoryOf(delivery);
  const number = numberAt(payload, kind === 'issue' ? 'issue.number' : 'pull_request.number');
  if (!repository || number === undefined) return undefined;
  const isPull = kind !== 'issue' || objectAt(payload, 'issue.pull_request') !== undefined;
  return { repository, isPublic: isPublicRepository(payload), number, isPull };
}

const KINDS: Readonly<Record<string, CommentRequest['kind']>> = {
  'issue_comment.created': 'issue',
  'pull_request_review_comment.created': 'line',
  'pull_request_review.submitted': 'review',
};

/** Answers of apps, ours among them, quote commands: acting on them could go round in circles. */
function isApp(comment: JsonObject, payload: JsonObject): boolean {
  if (objectAt(comment, 'performed_via_github_app') !== undefined) return true;
  return [textAt(comment, 'user.type'), textAt(payload, 'sender.type')].includes('Bot');
}

export function personAt(payload: JsonObject, path: string): Person | undefined {
  const id = numberAt(payload, `${path}.id`);
  const login = textAt(payload, `${path}.login`);
  if (id === undefined || login === undefined) return undefined;
  return { id, login, isApp: textAt(payload, `${path}.type`) === 'Bot' };
}

/** A payload that does not say so counts as public: the stricter rules hold. */
export function isPublicRepository(payload: JsonObject): boolean {
  const visibility = textAt(payload, 'repository.visibility');
  return visibility === undefined ? !flagAt(payload, 'repository.private') : visibility === 'public';
}
