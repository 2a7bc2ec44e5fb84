import { h } from '../dom.js';

/** The lines of a patch, each with its numbers on both sides. */
export function readPatch(patch) {
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

/** `button` and `below` of a line: what stands before it and what follows it, if anything does. */
export function diffTable(lines, { button = () => null, below = () => [] } = {}) {
  const rows = lines.flatMap((line) => [diffRow(line, button(line)), underRow(below(line))]);
  return h('table', { class: 'diff' }, h('tbody', null, rows));
}

function diffRow({ kind, left, right, text }, button) {
  const sign = { added: '+', removed: '−' }[kind] ?? ' ';
  return h(
    'tr',
    { class: kind },
    h('td', { class: 'number' }, left ?? ''),
    h('td', { class: 'number' }, right ?? ''),
    h('td', null, button, h('code', null, h('span', { class: 'sign' }, sign), text)),
  );
}

function underRow(below) {
  const shown = below.flat(9).filter(Boolean);
  return shown.length > 0 && h('tr', { class: 'told' }, h('td', { colspan: 3 }, shown));
}
