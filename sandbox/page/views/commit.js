import { get, listOrNone } from '../api.js';
import { h } from '../dom.js';
import { person, shortSha, timeAgo } from '../parts.js';
import { annotationsOf, checkList } from './checks.js';
import { diffs } from './diff.js';

/** A commit: its checks, and its changes with annotations beside the lines. */
export async function showCommit({ params }) {
  const { owner, repo, sha } = params;
  const api = `/repos/${owner}/${repo}`;
  const [commit, checks] = await Promise.all([
    get(`${api}/commits/${sha}`),
    listOrNone(`${api}/commits/${sha}/check-runs`, 'check_runs'),
  ]);
  const [title, ...rest] = commit.commit.message.split('\n');
  const author = commit.author ?? { login: commit.commit.author.name };
  return [
    h('h1', null, title),
    h(
      'p',
      { class: 'quiet byline' },
      person(author),
      ' committed ',
      timeAgo(commit.commit.author.date),
      ' as ',
      shortSha(commit.sha),
    ),
    rest.join('').trim() !== '' && h('pre', { class: 'card padded' }, rest.join('\n').trim()),
    checkList(`/${owner}/${repo}`, checks),
    h('h2', null, 'Changes'),
    diffs(commit.files ?? [], await annotationsOf(api, checks)),
  ];
}
