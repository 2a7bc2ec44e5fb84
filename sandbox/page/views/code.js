import { fromBase64, get, list, listOrNone, segment } from '../api.js';
import { h } from '../dom.js';
import { markdown } from '../markdown.js';
import { avatar, empty, link, overall, shortSha, statusIcon, timeAgo } from '../parts.js';
import { splitRef } from './ref.js';

const COMMITS_SHOWN = 12;

/** A branch: its files, its newest commits with their checks, and the README. */
export async function showCode({ params, go }) {
  const { owner, repo } = params;
  const base = `/${owner}/${repo}`;
  const api = `/repos${base}`;
  const [repository, branches] = await Promise.all([get(api), list(`${api}/branches`)]);
  if (branches.length === 0) return empty('This repository has no commit yet.');
  const { ref, path } = splitRef(params.path ?? repository.default_branch, branches);
  const query = `ref=${encodeURIComponent(ref)}`;
  const commits = await get(`${api}/commits?sha=${encodeURIComponent(ref)}&per_page=${COMMITS_SHOWN}`);
  const files =
    path === '' ? await rootFiles(api, commits[0].sha) : await get(`${api}/contents/${segment(path)}?${query}`);
  const checks = await Promise.all(
    commits.map(({ sha }) => listOrNone(`${api}/commits/${sha}/check-runs`, 'check_runs')),
  );
  const readme = files.find(({ name }) => name.toLowerCase() === 'readme.md');
  const text = readme && fromBase64((await get(`${api}/contents/${segment(readme.path)}?${query}`)).content);
  return [
    h('h1', { class: 'hidden' }, `${owner}/${repo}`),
    h(
      'div',
      { class: 'tools' },
      branchMenu(base, branches, ref, go),
      h('span', { class: 'grow' }),
      link(`${base}/new/${segment(ref)}`, 'Add file'),
      link(`${base}/compare/${segment(ref)}`, 'Open a pull request'),
    ),
    h('div', { class: 'halves' }, fileList(base, ref, path, files), commitList(base, commits, checks)),
    text && h('section', { class: 'card padded' }, markdown(text)),
  ];
}

/** One file with line numbers. */
export async function showFile({ params }) {
  const { owner, repo } = params;
  const base = `/${owner}/${repo}`;
  const { ref, path } = splitRef(params.path, await list(`/repos${base}/branches`));
  const file = await get(`/repos${base}/contents/${segment(path)}?ref=${encodeURIComponent(ref)}`);
  const lines = fromBase64(file.content).replace(/\n$/, '').split('\n');
  const here = `${segment(ref)}/${segment(path)}`;
  return [
    h(
      'div',
      { class: 'tools' },
      h('h1', { class: 'path' }, link(`${base}/tree/${segment(ref)}`, ref), ' / ', path),
      h('span', { class: 'grow' }),
      link(`${base}/edit/${here}`, 'Edit this file'),
    ),
    h('div', { class: 'card source', tabindex: 0 }, h('table', null, h('tbody', null, lines.map(sourceLine)))),
  ];
}

function sourceLine(text, index) {
  return h('tr', null, h('td', { class: 'number' }, index + 1), h('td', null, h('code', null, text)));
}

/** The contents call has no address for the root of a repository. */
async function rootFiles(api, sha) {
  const { tree } = await get(`${api}/git/trees/${sha}`);
  return tree.map(({ path, type }) => ({ name: path, path, type: type === 'tree' ? 'dir' : 'file' }));
}

function branchMenu(base, branches, ref, go) {
  const onchange = ({ currentTarget }) => void go(`${base}/tree/${segment(currentTarget.value)}`);
  const names = branches.map(({ name }) => name);
  const known = names.includes(ref) ? names : [ref, ...names];
  const options = known.map((name) => h('option', { value: name }, name));
  return h(
    'label',
    { class: 'field' },
    h('span', null, 'Branch'),
    h('select', { key: `${ref} ${known.length}`, onchange, value: ref }, options),
  );
}

function fileList(base, ref, path, files) {
  const sorted = [...files].sort((a, b) => a.type.localeCompare(b.type) || a.name.localeCompare(b.name));
  const up = path.includes('/') ? `/${segment(path.slice(0, path.lastIndexOf('/')))}` : '';
  const rows = sorted.map(({ name, type, path: full }) => {
    const kind = type === 'dir' ? 'tree' : 'blob';
    const address = `${base}/${kind}/${segment(ref)}/${segment(full)}`;
    return h(
      'li',
      { class: 'row' },
      link(address, h('span', { class: `file ${type}`, 'aria-hidden': 'true' }), name, type === 'dir' && '/'),
    );
  });
  const parent = path !== '' && h('li', { class: 'row' }, link(`${base}/tree/${segment(ref)}${up}`, '..'));
  return h(
    'section',
    { 'aria-label': 'Files' },
    h('h2', null, path === '' ? 'Files' : path),
    h('ul', { class: 'list' }, parent, rows),
  );
}

function commitList(base, commits, checks) {
  const rows = commits.map((commit, index) => commitRow(base, commit, checks[index]));
  return h('section', { 'aria-label': 'Commits' }, h('h2', null, 'Commits'), h('ul', { class: 'list' }, rows));
}

export function commitRow(base, { sha, commit, author }, checks) {
  const verdict = overall(checks ?? []);
  const name = author?.login ?? commit.author?.name ?? 'someone';
  return h(
    'li',
    { class: 'row' },
    h(
      'span',
      { class: 'grow' },
      link(`${base}/commit/${sha}`, commit.message.split('\n')[0]),
      h('small', { class: 'quiet' }, avatar(name), ' ', name, ' · ', timeAgo(commit.author?.date)),
    ),
    verdict && link(`${base}/commit/${sha}`, statusIcon(...verdict)),
    shortSha(sha),
  );
}
