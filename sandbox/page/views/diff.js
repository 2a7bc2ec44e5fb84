import { h } from '../dom.js';
import { empty } from '../parts.js';
import { annotationBox } from './checks.js';

/** Changed files as GitHub's `files` lists them, each annotation below the line where it ends. */
export function diffs(files, annotations) {
  if (files.length === 0) return empty('No file was changed.');
  return files.map((file) =>
    fileDiff(
      file,
      annotations.filter(({ path }) => path === file.filename),
    ),
  );
}

function fileDiff(file, annotations) {
  const lines = readPatch(file.patch ?? '');
  const shown = new Set(lines.map(({ right }) => right));
  const elsewhere = annotations.filter(({ end_line: end }) => !shown.has(end));
  const rows = lines.flatMap((line) => [diffRow(line), below(annotations, line.right)]);
  return h(
    'section',
    { class: 'card source', key: file.filename, 'aria-label': file.filename },
    h(
      'h3',
      { class: 'path' },
      file.filename,
      ' ',
      h(
        'small',
        null,
        h('span', { class: 'good' }, `+${file.additions}`),
        ' ',
        h('span', { class: 'bad' }, `−${file.deletions}`),
        ` ${file.status}`,
      ),
    ),
    elsewhere.map(annotationBox),
    lines.length > 0 &&
      h('div', { class: 'lines', tabindex: 0 }, h('table', { class: 'diff' }, h('tbody', null, rows))),
  );
}

function diffRow({ kind, left, right, text }) {
  const sign = { added: '+', removed: '−' }[kind] ?? ' ';
  return h(
    'tr',
    { class: kind },
    h('td', { class: 'number' }, left ?? ''),
    h('td', { class: 'number' }, right ?? ''),
    h('td', null, h('code', null, h('span', { class: 'sign' }, sign), text)),
  );
}

function below(annotations, line) {
  const meant = annotations.filter(({ end_line: end }) => end === line);
  return meant.length > 0 && line !== null
    ? [h('tr', { class: 'told' }, h('td', { colspan: 3 }, meant.map(annotationBox)))]
    : [];
}

function readPatch(patch) {
  let [left, right] = [0, 0];
  const lines = [];
  for (const text of patch === '' ? [] : patch.split('\n')) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(text);
    if (hunk) {
      [left, right] = [Number(hunk[1]), Number(hunk[2])];
      lines.push({ kind: 'hunk', left: null, right: null, text });
    } else if (text.startsWith('+')) lines.push({ kind: 'added', left: null, right: right++, text: text.slice(1) });
    else if (text.startsWith('-')) lines.push({ kind: 'removed', left: left++, right: null, text: text.slice(1) });
    else if (!text.startsWith('\\')) lines.push({ kind: 'same', left: left++, right: right++, text: text.slice(1) });
  }
  return lines;
}
