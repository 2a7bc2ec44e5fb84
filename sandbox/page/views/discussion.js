import { send } from '../api.js';
import { h } from '../dom.js';
import { markdown } from '../markdown.js';
import { link, person, timeAgo, typedTexts } from '../parts.js';
import { reactionBar } from './comments.js';
import { diffTable, readPatch } from './patch.js';

/** Talk about lines: threads of comments, and the forms that begin and continue them. */

/** Lines of the diff that a thread shows above itself where the diff is not there. */
const LINES_SHOWN = 4;

/** Where somebody is about to begin a thread; the page has one such form at a time. */
let begun = null;

/** Comments on lines with those that answer them, oldest first. */
export function threadsOf(comments) {
  const answers = (id) => comments.filter(({ in_reply_to_id: first }) => first === id);
  return comments
    .filter(({ in_reply_to_id: first }) => !first)
    .map((first) => ({ first, comments: [first, ...answers(first.id)] }));
}

/** What a diff needs to let people talk below its lines. */
export function talkOf(place, comments) {
  const threads = threadsOf(comments);
  const isHere = ({ path, side, line }, at) => path === at.path && side === at.side && line === at.line;
  return {
    button: (at) => beginButton(place, at),
    below: (at) => [
      threads.filter(({ first }) => isHere(first, at)).map((thread) => threadBox(place, thread)),
      begun && isHere(begun, at) && beginForm(place, at),
    ],
    /** On the file as a whole, or on lines that the diff no longer shows. */
    elsewhere: (path, lines) => {
      const isShown = ({ side, line }) => lines.some((shown) => line !== null && shown[sideName(side)] === line);
      return threads
        .filter(({ first }) => first.path === path && !isShown(first))
        .map((thread) => threadBox(place, thread));
    },
  };
}

function sideName(side) {
  return side === 'LEFT' ? 'left' : 'right';
}

/** A thread, with the lines it is about where they are not beside it. */
export function threadBox(place, { first, comments }, hasLines = false) {
  const where = `${first.path}${first.line ? `:${first.line}` : ''}`;
  return h(
    'section',
    { class: 'discussion', key: `thread${first.id}`, 'aria-label': `Discussion of ${where}` },
    hasLines && h('p', { class: 'path' }, link(`${place.base}/pull/${place.pull.number}/files`, where)),
    hasLines && first.line && linesAbove(first),
    comments.map((comment) => remark(place, comment)),
    replyForm(place, first),
  );
}

function linesAbove({ diff_hunk: hunk }) {
  const lines = readPatch(hunk).filter(({ kind }) => kind !== 'hunk');
  return h('div', { class: 'source lines' }, diffTable(lines.slice(-LINES_SHOWN)));
}

function remark({ act, api, pull }, comment) {
  const { id, user, body, created_at: created, commit_id: commit, reactions } = comment;
  const isOlder = commit !== pull.head.sha;
  return h(
    'article',
    { class: 'remark', key: `remark${id}`, 'aria-label': `Comment of ${user?.login}` },
    h(
      'p',
      { class: 'byline' },
      person(user),
      ' ',
      h('span', { class: 'quiet' }, timeAgo(created), isOlder && ` on ${commit.slice(0, 7)}`),
    ),
    markdown(body),
    reactionBar(act, `${api}/pulls/comments/${id}/reactions`, reactions ?? {}, pull.locked),
  );
}

function replyForm({ act, api, pull }, first) {
  const reply = (body) => send('POST', `${api}/pulls/${pull.number}/comments/${first.id}/replies`, { body });
  const onsubmit = async (event) => {
    event.preventDefault();
    const { currentTarget: form } = event;
    const made = await act('Reply added.', () => reply(typedTexts(form).body.trim()));
    if (made) form.reset();
  };
  const label = `Reply to ${first.user?.login}`;
  return h(
    'form',
    { class: 'reply', onsubmit, key: 'reply' },
    h('textarea', { name: 'body', rows: 1, required: true, placeholder: 'Reply …', 'aria-label': label }),
    h('button', null, 'Reply'),
  );
}

function beginButton({ refresh }, at) {
  const onclick = () => {
    begun = at;
    void refresh();
  };
  const label = `Comment on line ${at.line}${at.side === 'LEFT' ? ' as it was' : ''}`;
  return h('button', { type: 'button', class: 'say', 'aria-label': label, onclick });
}

function beginForm({ act, api, pull, refresh }, at) {
  const comment = (body) =>
    send('POST', `${api}/pulls/${pull.number}/comments`, { ...at, body, commit_id: pull.head.sha });
  const onsubmit = async (event) => {
    event.preventDefault();
    const body = typedTexts(event.currentTarget).body.trim();
    const made = await act('Comment added.', async () => {
      const answer = await comment(body);
      begun = null;
      return answer;
    });
    if (made) await refresh();
  };
  const cancel = () => {
    begun = null;
    void refresh();
  };
  return h(
    'form',
    { class: 'discussion begun', onsubmit, key: `${at.path} ${at.side} ${at.line}` },
    h('textarea', { name: 'body', rows: 3, required: true, 'aria-label': `What about line ${at.line} of ${at.path}?` }),
    h(
      'div',
      { class: 'tools end' },
      h('button', { type: 'button', onclick: cancel }, 'Cancel'),
      h('button', { class: 'primary' }, 'Comment'),
    ),
  );
}
