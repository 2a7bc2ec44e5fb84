import { h } from '../dom.js';

/** The end of a long log is what people look for. */
const LINES_MAX = 5000;
// oxlint-disable-next-line no-control-regex -- terminal codes are what this looks for
const TERMINAL_CODE = /\u001B\[[0-9;?]*[A-Za-z]/g;
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z ?/;

/** A job's log: groups fold, and what the runner marked stands out. */
export function logLines(text) {
  const all = text.replace(/\n$/, '').split('\n');
  const lines = all.slice(-LINES_MAX).map((line) => line.replace(TIME, '').replaceAll(TERMINAL_CODE, ''));
  const cut = all.length - lines.length;
  return h(
    'div',
    { class: 'log', tabindex: 0, role: 'group', 'aria-label': 'Log' },
    cut > 0 && h('p', null, `… ${cut} earlier lines`),
    grouped(lines),
  );
}

function grouped(lines) {
  const shown = [];
  let group = null;
  for (const line of lines) {
    const mark = /^##\[(\w+)\](.*)$/.exec(line);
    if (mark?.[1] === 'group') {
      group = [];
      shown.push({ title: mark[2], lines: group });
    } else if (mark?.[1] === 'endgroup') group = null;
    else (group ?? shown).push(h('p', { class: mark ? mark[1] : null }, mark ? mark[2] : line || ' '));
  }
  return shown.map((item) =>
    item.title === undefined ? item : h('details', null, h('summary', null, item.title || 'Group'), item.lines),
  );
}
