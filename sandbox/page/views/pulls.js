import { get, list, listOrNone, segment, send } from '../api.js';
import { h } from '../dom.js';
import { badge, empty, link, overall, person, statusIcon, timeAgo, typedTexts } from '../parts.js';
import { checkPage } from './check.js';
import { annotationsOf, checkRow } from './checks.js';
import { commitRow } from './code.js';
import { conversation } from './conversation.js';
import { diffs } from './diff.js';
import { talkOf } from './discussion.js';
import { reviewForm } from './reviews.js';

export async function showPulls({ params }) {
  const base = `/${params.owner}/${params.repo}`;
  const pulls = await list(`/repos${base}/pulls?state=all`);
  const checks = await Promise.all(
    pulls.map(({ head }) => listOrNone(`/repos${base}/commits/${head.sha}/check-runs`, 'check_runs')),
  );
  const rows = pulls.map((pull, index) => {
    const verdict = overall(checks[index]);
    return h(
      'li',
      { class: 'row', key: `pull${pull.number}` },
      stateBadge(pull),
      h(
        'span',
        { class: 'grow' },
        link(`${base}/pull/${pull.number}`, h('strong', null, pull.title)),
        h('small', { class: 'quiet' }, `#${pull.number} by ${pull.user?.login} · `, timeAgo(pull.created_at)),
      ),
      verdict && statusIcon(...verdict),
    );
  });
  return [
    h(
      'div',
      { class: 'tools' },
      h('h1', null, 'Pull requests'),
      h('span', { class: 'grow' }),
      h('a', { class: 'button primary', href: `${base}/compare` }, 'New pull request'),
    ),
    pulls.length === 0 ? empty('Nobody has asked for a merge yet.') : h('ul', { class: 'list' }, rows),
  ];
}

function stateBadge({ state, merged_at: mergedAt, draft }) {
  if (mergedAt) return badge('merged', 'Merged');
  if (state === 'closed') return badge('bad', 'Closed');
  return draft ? badge('calm', 'Draft') : badge('good', 'Open');
}

export async function showPull(page) {
  const { owner, repo, number, part = 'conversation' } = page.params;
  const base = `/${owner}/${repo}`;
  const api = `/repos${base}`;
  const pull = await get(`${api}/pulls/${number}`);
  const checks = await listOrNone(`${api}/commits/${pull.head.sha}/check-runs`, 'check_runs');
  const draw = { conversation, commits, checks: checksPart, files }[part] ?? conversation;
  const place = { ...page, base, api, pull, checks };
  return [
    h('h1', null, pull.title, ' ', h('span', { class: 'quiet' }, `#${number}`)),
    h(
      'p',
      { class: 'byline' },
      stateBadge(pull),
      ' ',
      person(pull.user),
      ' wants to merge ',
      h('code', null, pull.head.label ?? pull.head.ref),
      ' into ',
      h('code', null, pull.base.ref),
      ' ',
      pull.locked && badge('calm', 'Locked'),
    ),
    parts(place, part),
    await draw(place),
  ];
}

function parts({ base, pull, checks }, current) {
  const names = [
    ['Conversation', 'conversation', pull.comments + pull.review_comments],
    ['Commits', 'commits', pull.commits],
    ['Checks', 'checks', checks.length],
    ['Files changed', 'files', pull.changed_files],
  ];
  const address = (part) => `${base}/pull/${pull.number}${part === 'conversation' ? '' : `/${part}`}`;
  const tab = ([name, part, count]) =>
    h(
      'a',
      { href: address(part), 'aria-current': part === current ? 'page' : null },
      name,
      count > 0 && h('span', { class: 'tag' }, count),
    );
  return h('nav', { class: 'tabs inner', 'aria-label': 'Pull request' }, names.map(tab));
}

async function commits({ api, base, pull }) {
  const all = await list(`${api}/pulls/${pull.number}/commits`);
  const checks = await Promise.all(all.map(({ sha }) => listOrNone(`${api}/commits/${sha}/check-runs`, 'check_runs')));
  return h(
    'ul',
    { class: 'list' },
    all.map((commit, index) => commitRow(base, commit, checks[index])),
  );
}

async function checksPart(place) {
  const { base, pull, checks, query } = place;
  if (checks.length === 0) return empty('No checks have been reported for this commit.');
  const chosen = checks.find(({ id }) => String(id) === query.get('check')) ?? checks[0];
  const rows = checks.map((check) =>
    checkRow(`${base}/pull/${pull.number}/checks?check=${check.id}`, check, check === chosen),
  );
  return h('div', { class: 'sided' }, h('ul', { class: 'list' }, rows), await checkPage(place, chosen));
}

async function files(place) {
  const { api, pull, checks } = place;
  const [changed, annotations, comments] = await Promise.all([
    list(`${api}/pulls/${pull.number}/files`),
    annotationsOf(api, checks),
    list(`${api}/pulls/${pull.number}/comments`),
  ]);
  return [diffs(changed, annotations, talkOf(place, comments)), reviewForm(place)];
}

/** The form that asks for a merge of one branch into another. */
export async function newPull({ params, act, go }) {
  const base = `/${params.owner}/${params.repo}`;
  const [repository, branches] = await Promise.all([get(`/repos${base}`), list(`/repos${base}/branches`)]);
  const parent = repository.parent?.full_name;
  const target = parent ? `/${parent}` : base;
  const targets = parent ? await list(`/repos${target}/branches`) : branches;
  const defaultBranch = parent ? repository.parent.default_branch : repository.default_branch;
  const chosen =
    branches.find(({ name }) => name === params.path) ??
    branches.find(({ name }) => name !== defaultBranch) ??
    branches[0];
  const onsubmit = async (event) => {
    event.preventDefault();
    const { title, body, head, base: into } = typedTexts(event.currentTarget);
    const from = parent ? `${params.owner}:${head}` : head;
    const made = await act('Pull request opened.', () =>
      send('POST', `/repos${target}/pulls`, { title, body, head: from, base: into }),
    );
    if (made) await go(`${target}/pull/${made.number}`);
  };
  const options = (list) => list.map(({ name }) => h('option', { value: name }, name));
  return h(
    'form',
    { class: 'card padded form', onsubmit },
    h('h1', null, 'New pull request'),
    h(
      'label',
      { class: 'field' },
      h('span', null, 'From'),
      h('select', { name: 'head', value: chosen?.name }, options(branches)),
    ),
    h(
      'label',
      { class: 'field' },
      h('span', null, `Into${parent ? ` (${parent})` : ''}`),
      h('select', { name: 'base', value: defaultBranch }, options(targets)),
    ),
    h(
      'label',
      { class: 'field wide' },
      h('span', null, 'Title'),
      h('input', { name: 'title', required: true, value: segment(chosen?.name ?? '').replaceAll(/[-_/]/g, ' ') }),
    ),
    h('label', { class: 'field wide' }, h('span', null, 'Description'), h('textarea', { name: 'body', rows: 5 })),
    h('div', { class: 'tools end' }, h('button', { class: 'primary' }, 'Open pull request')),
  );
}
