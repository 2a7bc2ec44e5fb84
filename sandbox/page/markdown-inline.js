import { h } from './dom.js';

/**
 * Inline Markdown: code, links, bold, italics, strike, mentions. Everything else, HTML among it, is text.
 *
 * No pattern looks further than a bound: a comment of nothing but asterisks must not hold the page.
 */

const RULES = [
  [/^\\([\\`*_{}[\]()#+\-.!|<>~@])/, (match) => match[1]],
  [/^(`+)([^]{0,2000}?[^`])\1(?!`)/, (match) => h('code', null, match[2].trim())],
  [/^!\[([^\]]{0,500})\]\(([^)\s]{1,2000})[^)]{0,500}\)/, (match) => link(match[1] || match[2], match[2])],
  [
    /^\[((?:[^[\]]|\[[^[\]]{0,200}\]){0,500})\]\(<?([^)\s>]{1,2000})>?(?:\s+"[^"]{0,500}")?\)/,
    (match) => link(inline(match[1]), match[2]),
  ],
  [/^<(https?:\/\/[^\s<>]+)>/, (match) => link(match[1], match[1])],
  [/^https?:\/\/[^\s<>)\]]*[^\s<>)\].,;:!?'"*]/, (match) => link(match[0], match[0])],
  [/^(\*\*|__)(?=\S)([^]{0,1000}?\S)\1/, (match) => h('strong', null, inline(match[2]))],
  [/^~~(?=\S)([^]{0,1000}?\S)~~/, (match) => h('del', null, inline(match[1]))],
  [/^\*(?=\S)([^*]{0,1000}[^\s*])\*(?!\*)/, (match) => h('em', null, inline(match[1]))],
  [/^_(?=\S)([^_]{0,1000}[^\s_])_(?![A-Za-z0-9_])/, (match) => h('em', null, inline(match[1]))],
  [/^<br ?\/?>/, () => h('br', null)],
  [/^&(amp|lt|gt|quot|nbsp|#39|#96|#124|#64);/, (match) => ENTITIES[match[1]]],
];

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', '#39': "'", '#96': '`', '#124': '|', '#64': '@' };
const MENTION = /^@[A-Za-z0-9][A-Za-z0-9-]*(\/[A-Za-z0-9-]+)?/;

export function inline(text) {
  const parts = [];
  let plain = '';
  let rest = text;
  let isWordBefore = false;
  while (rest !== '') {
    const [part, length] = takePart(rest, isWordBefore) ?? [null, 1];
    if (part === null) plain += rest[0];
    else {
      parts.push(plain, part);
      plain = '';
    }
    isWordBefore = /\w/.test(rest[length - 1]);
    rest = rest.slice(length);
  }
  return [...parts, plain].filter((part) => part !== '');
}

function takePart(rest, isWordBefore) {
  // The most frequent case by far, and no rule begins with one of these.
  if (/^[A-Za-gi-z0-9 ]/.test(rest)) return null;
  if (!isWordBefore) {
    const mention = MENTION.exec(rest);
    if (mention) return [h('strong', { class: 'mention' }, mention[0]), mention[0].length];
  }
  for (const [pattern, build] of RULES) {
    if (isWordBefore && (rest[0] === '_' || rest[0] === 'h')) continue;
    const match = pattern.exec(rest);
    if (match) return [build(match), match[0].length];
  }
  return null;
}

/** Only addresses that cannot run a script; anything else stays text. */
function link(label, address) {
  if (!/^(https?:\/\/|\/(?!\/)|#|\.\.?\/)/i.test(address)) return h('span', null, label);
  return h('a', { href: address, rel: 'nofollow noreferrer' }, label);
}
