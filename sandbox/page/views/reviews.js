import { send } from '../api.js';
import { h } from '../dom.js';
import { markdown } from '../markdown.js';
import { person, shortSha, statusIcon, timeAgo, typedTexts } from '../parts.js';
import { threadBox } from './discussion.js';

const VERDICTS = {
  APPROVED: ['success', 'approved'],
  CHANGES_REQUESTED: ['failure', 'asked for changes of'],
  COMMENTED: ['neutral', 'looked at'],
};

/** Whether there is more to a review than a reply, which stands where the thread began. */
export function isWorthShowing({ id, state, body }, threads) {
  if (state === 'PENDING') return false;
  return state !== 'COMMENTED' || body !== '' || threads.some(({ first }) => first.pull_request_review_id === id);
}

export function reviewBox(place, review, threads) {
  const { id, user, state, body, commit_id: commit, submitted_at: submitted } = review;
  const [icon, words] = VERDICTS[state] ?? VERDICTS.COMMENTED;
  const own = threads.filter(({ first }) => first.pull_request_review_id === id);
  return h(
    'section',
    { class: 'review', key: `review${id}`, 'aria-label': `Review of ${user?.login}` },
    h(
      'p',
      { class: 'event byline' },
      statusIcon('completed', icon),
      ' ',
      person(user),
      ` ${words} `,
      shortSha(commit ?? ''),
      ' ',
      h('span', { class: 'quiet' }, timeAgo(submitted)),
    ),
    body && h('div', { class: 'card padded' }, markdown(body)),
    own.map((thread) => threadBox(place, thread, true)),
  );
}

/** Nobody approves what is their own. */
export function reviewForm({ api, base, pull, user, act, go }) {
  const isOwn = user?.login === pull.user?.login;
  const onsubmit = async (event) => {
    event.preventDefault();
    const { body, event: verdict } = typedTexts(event.currentTarget);
    const review = { body, event: verdict, commit_id: pull.head.sha };
    const made = await act('Review submitted.', () => send('POST', `${api}/pulls/${pull.number}/reviews`, review));
    if (made) await go(`${base}/pull/${pull.number}`);
  };
  const choice = (value, words, isOff = false) =>
    h(
      'label',
      { class: isOff ? 'choice quiet' : 'choice' },
      h('input', { type: 'radio', name: 'event', value, checked: value === 'COMMENT', disabled: isOff }),
      words,
    );
  return h(
    'form',
    { class: 'card padded form', onsubmit, key: `review-form ${isOwn}` },
    h('h2', null, 'Review these changes'),
    h('textarea', { name: 'body', rows: 4, 'aria-label': 'What you think of them' }),
    h(
      'div',
      { class: 'choices', role: 'radiogroup', 'aria-label': 'Verdict' },
      choice('COMMENT', 'Comment'),
      choice('APPROVE', 'Approve', isOwn),
      choice('REQUEST_CHANGES', 'Request changes', isOwn),
    ),
    h('div', { class: 'tools end' }, h('button', { class: 'primary' }, 'Submit review')),
  );
}
