import { h } from './dom.js';
import { inline } from './markdown-inline.js';
import { drawGraph } from './mermaid.js';

/** Nested quotes, lists and details; deeper ones stay text. */
const DEPTH_MAX = 6;

/** The described elements of a Markdown text: the subset that checks and comments use. HTML is text, but for details. */
export function markdown(text) {
  const visible = (text ?? '').replaceAll('\r\n', '\n').replaceAll(/<!--[^]*?-->/g, '');
  return h('div', { class: 'markdown' }, blocks(visible.split('\n'), 0));
}

/** Each takes block lines from `at`, and answers `[element, next]`, or null where the block is not of its kind. */
const BLOCKS = [fence, details, heading, rule, table, quote, listBlock];

function blocks(lines, depth) {
  if (depth > DEPTH_MAX) return [lines.join('\n')];
  const found = [];
  for (let at = 0; at < lines.length; ) {
    if (lines[at].trim() === '') {
      at++;
      continue;
    }
    const [element, next] = takeBlock(lines, at, depth) ?? paragraph(lines, at, depth);
    found.push(element);
    at = next;
  }
  return found;
}

function takeBlock(lines, at, depth) {
  for (const take of BLOCKS) {
    const taken = take(lines, at, depth);
    if (taken) return taken;
  }
  return null;
}

function paragraph(lines, at, depth) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() !== '' && !takeBlock(lines, end, depth)) end++;
  const parts = lines.slice(at, end).flatMap((line, index) => [index > 0 && h('br', null), inline(line.trim())]);
  return [h('p', null, parts), end];
}

function fence(lines, at) {
  const open = /^\s{0,3}(`{3,}|~{3,})\s*([\w-]*)[^`]*$/.exec(lines[at]);
  if (!open) return null;
  const close = lines.findIndex(
    (line, index) => index > at && line.trim().startsWith(open[1]) && /^[`~]+$/.test(line.trim()),
  );
  const end = close < 0 ? lines.length : close;
  const code = lines.slice(at + 1, end).join('\n');
  const drawing = open[2] === 'mermaid' ? drawGraph(code) : null;
  return [drawing ?? h('pre', { tabindex: 0 }, h('code', null, code)), end + 1];
}

function details(lines, at, depth) {
  const open = /^\s*<details( open)?>\s*(?:<summary>(.*?)<\/summary>)?\s*$/.exec(lines[at]);
  if (!open) return null;
  let level = 1;
  let end = at + 1;
  for (; end < lines.length; end++) {
    if (/^\s*<details/.test(lines[end])) level++;
    if (/<\/details>\s*$/.test(lines[end]) && --level === 0) break;
  }
  const inner = lines.slice(at + 1, end);
  const own = open[2] === undefined ? /^\s*<summary>(.*?)<\/summary>\s*$/.exec(inner[0] ?? '') : null;
  const title = (own?.[1] ?? open[2] ?? 'Details').replaceAll(/<\/?(b|strong|code|em|i)>/g, '');
  const content = blocks(own ? inner.slice(1) : inner, depth + 1);
  return [h('details', { open: Boolean(open[1]) }, h('summary', null, inline(title)), content), end + 1];
}

function heading(lines, at) {
  const match = /^\s{0,3}(#{1,6})\s+(.*?)\s*#*$/.exec(lines[at]);
  // The page's own headings are h1 and h2.
  return match && [h(`h${Math.min(6, match[1].length + 2)}`, null, inline(match[2])), at + 1];
}

function rule(lines, at) {
  return /^\s{0,3}([-*_])(\s*\1){2,}\s*$/.test(lines[at]) ? [h('hr', null), at + 1] : null;
}

function table(lines, at) {
  const marks = lines[at + 1] ?? '';
  if (!lines[at].includes('|') || !/^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(marks) || !marks.includes('-'))
    return null;
  const sides = cells(marks).map((mark) => (/^-+:$/.test(mark) ? 'end' : /^:-+:$/.test(mark) ? 'middle' : null));
  let end = at + 2;
  while (end < lines.length && lines[end].includes('|')) end++;
  const row = (line, tag) =>
    h(
      'tr',
      null,
      cells(line).map((cell, index) => h(tag, { class: sides[index] }, inline(cell))),
    );
  const body = lines.slice(at + 2, end).map((line) => row(line, 'td'));
  const head = h('thead', null, row(lines[at], 'th'));
  return [h('div', { class: 'table', tabindex: 0 }, h('table', null, head, h('tbody', null, body))), end];
}

function cells(line) {
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
}

function quote(lines, at, depth) {
  if (!/^\s{0,3}>/.test(lines[at])) return null;
  let end = at;
  while (end < lines.length && /^\s{0,3}>/.test(lines[end])) end++;
  const inner = lines.slice(at, end).map((line) => line.replace(/^\s{0,3}> ?/, ''));
  const alert = /^\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]$/.exec(inner[0].trim());
  if (!alert) return [h('blockquote', null, blocks(inner, depth + 1)), end];
  const kind = alert[1].toLowerCase();
  const title = h('p', null, h('strong', null, kind[0].toUpperCase() + kind.slice(1)));
  return [h('blockquote', { class: `alert ${kind}` }, title, blocks(inner.slice(1), depth + 1)), end];
}

const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;

function listBlock(lines, at, depth) {
  const first = ITEM.exec(lines[at]);
  if (!first) return null;
  const indent = first[1].length;
  const items = [];
  let end = at;
  for (; end < lines.length; end++) {
    const match = ITEM.exec(lines[end]);
    if (match && match[1].length <= indent) {
      if (match[1].length < indent) break;
      items.push([match[3]]);
    } else if (/^\s{2,}\S/.test(lines[end]))
      items.at(-1).push(lines[end].slice(Math.min(indent + 2, lines[end].search(/\S/))));
    else break;
  }
  const tag = /\d/.test(first[2]) ? 'ol' : 'ul';
  return [
    h(
      tag,
      null,
      items.map((item) => listItem(item, depth)),
    ),
    end,
  ];
}

function listItem([text, ...rest], depth) {
  const task = /^\[([ xX])\]\s+(.*)$/.exec(text);
  const box = task && h('input', { type: 'checkbox', disabled: true, checked: task[1] !== ' ', 'aria-label': 'done' });
  return h('li', { class: task ? 'task' : null }, box, inline(task ? task[2] : text), blocks(rest, depth + 1));
}
