import { list, send } from '../api.js';
import { h } from '../dom.js';
import { deed, person, timeAgo } from '../parts.js';
import { checkList } from './checks.js';
import { commentBox, commentForm } from './comments.js';
import { threadsOf } from './discussion.js';
import { isWorthShowing, reviewBox } from './reviews.js';

/** What was said and done about a pull request, in its order, and what one can say and do. */
export async function conversation(place) {
  const { api, base, pull, checks } = place;
  const issue = `${api}/issues/${pull.number}`;
  const [comments, reviews, remarks, events] = await Promise.all([
    list(`${issue}/comments`),
    list(`${api}/pulls/${pull.number}/reviews`),
    list(`${api}/pulls/${pull.number}/comments`),
    list(`${issue}/events`),
  ]);
  const threads = threadsOf(remarks);
  const items = [
    ...comments.map((comment) => told(comment, comment.created_at, commentBox(place, api, comment))),
    ...reviews
      .filter((review) => isWorthShowing(review, threads))
      .map((review) => told(review, review.submitted_at, reviewBox(place, review, threads))),
    ...events.flatMap((event) => eventLine(event) ?? []),
  ].sort((a, b) => a.at.localeCompare(b.at) || a.id - b.id);
  return h(
    'div',
    { class: 'thread' },
    commentBox(place, null, { ...pull, id: 'first' }),
    items.map(({ box }) => box),
    checkList(base, checks),
    deeds(place),
    pull.locked && h('p', { class: 'locked', key: 'locked' }, lockedWords(pull)),
    commentForm(place, api, pull.number),
  );
}

/** Times are whole seconds; what happened later in the same one has the greater id. */
function told({ id }, at, box) {
  return { at, id, box };
}

const WORDS = {
  closed: () => 'closed this',
  reopened: () => 'reopened this',
  merged: () => 'merged this',
  locked: ({ lock_reason: reason }) => `locked the conversation${reason ? ` as ${reason}` : ''}`,
  unlocked: () => 'unlocked the conversation',
  renamed: ({ rename }) => `renamed it from “${rename.from}”`,
  base_ref_changed: () => 'changed the base branch',
  labeled: ({ label }) => `added the label “${label.name}”`,
  unlabeled: ({ label }) => `removed the label “${label.name}”`,
};

function eventLine(event) {
  const words = WORDS[event.event]?.(event);
  if (words === undefined) return null;
  const line = h(
    'p',
    { class: 'event byline', key: `event${event.id}` },
    person(event.actor),
    ` ${words} `,
    h('span', { class: 'quiet' }, timeAgo(event.created_at)),
  );
  return [told(event, event.created_at, line)];
}

function lockedWords({ active_lock_reason: reason }) {
  return `This conversation is locked${reason ? ` as ${reason}` : ''}: only people with write access comment.`;
}

function deeds({ api, pull, act }) {
  const { number, state, locked, merged_at: mergedAt } = pull;
  const change = (words, wanted) => act(words, () => send('PATCH', `${api}/pulls/${number}`, { state: wanted }));
  const merge = () => act('Merged.', () => send('PUT', `${api}/pulls/${number}/merge`, {}));
  const lock = `${api}/issues/${number}/lock`;
  return h(
    'div',
    { class: 'tools end', key: 'state' },
    locked
      ? deed('Unlock', () => act('Unlocked.', () => send('DELETE', lock)), { key: 'unlock' })
      : deed('Lock', () => act('Locked.', () => send('PUT', lock, {})), { key: 'lock' }),
    state === 'open'
      ? [deed('Close', () => change('Closed.', 'closed'), { key: 'close' }), deed('Merge', merge, { key: 'merge' })]
      : !mergedAt && deed('Reopen', () => change('Reopened.', 'open'), { key: 'reopen' }),
  );
}
