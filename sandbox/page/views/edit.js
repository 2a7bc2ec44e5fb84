import { fromBase64, get, list, segment, send, toBase64 } from '../api.js';
import { h } from '../dom.js';
import { typedTexts } from '../parts.js';
import { splitRef } from './ref.js';

/** The form that changes a file, or makes one, and pushes it to a branch. */
export async function editFile({ params, act, go }) {
  const base = `/${params.owner}/${params.repo}`;
  const api = `/repos${base}`;
  const { ref, path } = splitRef(params.path, await list(`${api}/branches`));
  const file = path === '' ? null : await get(`${api}/contents/${segment(path)}?ref=${encodeURIComponent(ref)}`);
  const onsubmit = async (event) => {
    event.preventDefault();
    const form = typedTexts(event.currentTarget);
    const pushed = await act(`Pushed to ${form.branch}.`, () => push(api, ref, file, form));
    if (pushed)
      await go(form.branch === ref ? `${base}/tree/${segment(ref)}` : `${base}/compare/${segment(form.branch)}`);
  };
  return h(
    'form',
    { class: 'card padded form', onsubmit },
    h('h1', null, file ? `Edit ${path}` : 'New file'),
    h(
      'label',
      { class: 'field wide' },
      h('span', null, 'Path'),
      h('input', { name: 'path', required: true, value: path, readonly: file !== null }),
    ),
    h(
      'label',
      { class: 'field wide' },
      h('span', null, 'Content'),
      h('textarea', {
        name: 'content',
        rows: 22,
        class: 'code',
        spellcheck: 'false',
        value: file ? fromBase64(file.content) : '',
      }),
    ),
    h(
      'label',
      { class: 'field wide' },
      h('span', null, 'Commit message'),
      h('input', { name: 'message', required: true, value: file ? `Change ${path}` : 'Add a file' }),
    ),
    h(
      'label',
      { class: 'field' },
      h('span', null, 'Branch (made if it is new)'),
      h('input', { name: 'branch', required: true, value: ref }),
    ),
    h('div', { class: 'tools end' }, h('button', { class: 'primary' }, 'Commit and push')),
  );
}

async function push(api, ref, file, { path, content, message, branch }) {
  if (branch !== ref) {
    const { object } = await get(`${api}/git/ref/heads/${segment(ref)}`);
    await send('POST', `${api}/git/refs`, { ref: `refs/heads/${branch}`, sha: object.sha });
  }
  const sha = file ? { sha: file.sha } : {};
  // Forms send CRLF; files have the line ends of their repository.
  const text = content.replaceAll('\r\n', '\n');
  return send('PUT', `${api}/contents/${segment(path)}`, { message, branch, content: toBase64(text), ...sha });
}
