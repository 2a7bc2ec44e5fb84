import { send } from '../api.js';
import { h } from '../dom.js';
import { markdown } from '../markdown.js';
import { deed, person, timeAgo, typedTexts } from '../parts.js';

const REACTIONS = {
  '+1': '👍',
  '-1': '👎',
  laugh: '😄',
  hooray: '🎉',
  confused: '😕',
  heart: '❤️',
  rocket: '🚀',
  eyes: '👀',
};

export function commentBox({ act, pull }, api, comment) {
  const { id, user, body, created_at: created, reactions } = comment;
  return h(
    'article',
    { class: 'card comment', key: `comment${id}`, 'aria-label': `Comment of ${user?.login}` },
    h('header', null, person(user), h('span', { class: 'quiet' }, timeAgo(created))),
    h('div', { class: 'padded' }, body ? markdown(body) : h('p', { class: 'quiet' }, 'No description.')),
    api && reactionBar(act, `${api}/issues/comments/${id}/reactions`, reactions ?? {}, pull.locked),
  );
}

/** Nobody reacts to what is locked; what was given before stays. */
export function reactionBar(act, path, counts, isLocked) {
  const buttons = Object.entries(REACTIONS).map(([content, sign]) => {
    const count = counts[content] ?? 0;
    const label = `React with ${content}${count > 0 ? `, ${count} so far` : ''}`;
    const give = () => act('Reaction given.', () => send('POST', path, { content }));
    return deed(count > 0 ? `${sign} ${count}` : sign, give, {
      key: content,
      class: count > 0 ? 'reaction given' : 'reaction',
      'aria-label': label,
      disabled: isLocked,
    });
  });
  return h('footer', null, buttons);
}

export function commentForm({ act }, api, number) {
  const onsubmit = async (event) => {
    event.preventDefault();
    const { currentTarget: form } = event;
    const body = typedTexts(form).body.trim();
    if (body === '') return;
    const made = await act('Comment added.', () => send('POST', `${api}/issues/${number}/comments`, { body }));
    if (made) form.reset();
  };
  const onkeydown = (event) => {
    if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) event.currentTarget.form.requestSubmit();
  };
  return h(
    'form',
    { class: 'card padded', onsubmit, key: 'comment-form' },
    h('label', { for: 'comment' }, 'Add a comment'),
    h('textarea', { id: 'comment', name: 'body', rows: 4, required: true, placeholder: '/maestro help', onkeydown }),
    h('div', { class: 'tools end' }, h('button', { class: 'primary' }, 'Comment')),
  );
}
