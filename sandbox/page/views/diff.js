import { h } from '../dom.js';
import { empty } from '../parts.js';
import { annotationBox } from './checks.js';
import { diffTable, readPatch } from './patch.js';

/**
 * Changed files as GitHub's `files` lists them, each annotation below the line where it ends. With `talk` (see
 * `discussion.js`) people can comment on lines.
 */
export function diffs(files, annotations, talk = null) {
  if (files.length === 0) return empty('No file was changed.');
  return files.map((file) =>
    fileDiff(
      file,
      annotations.filter(({ path }) => path === file.filename),
      talk,
    ),
  );
}

function fileDiff(file, annotations, talk) {
  const lines = readPatch(file.patch ?? '');
  const shown = new Set(lines.map(({ right }) => right));
  const homeless = annotations.filter(({ end_line: end }) => !shown.has(end));
  const under = (line) => [
    line.right === null ? [] : annotations.filter(({ end_line: end }) => end === line.right).map(annotationBox),
    talk && line.kind !== 'hunk' && talk.below(placeOf(file, line)),
  ];
  const button = (line) => talk && line.kind !== 'hunk' && talk.button(placeOf(file, line));
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
    homeless.map(annotationBox),
    talk?.elsewhere(file.filename, lines),
    lines.length > 0 && h('div', { class: 'lines', tabindex: 0 }, diffTable(lines, { button, below: under })),
  );
}

/** A line as a comment on it names it: one that goes is on the left. */
function placeOf({ filename: path }, { kind, left, right }) {
  return kind === 'removed' ? { path, side: 'LEFT', line: left } : { path, side: 'RIGHT', line: right };
}
