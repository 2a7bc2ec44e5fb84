/**
 * Texts of steps, files, branches and models, made harmless for what GitHub renders. Whatever they hold, they stay text: no
 * mention, no reference to an issue, no link, no image, no emoji, no HTML, no table, heading or fence of theirs.
 *
 * The SHA of a commit stays whole, though GitHub links it where the repository has that commit: it notifies nobody, leads
 * nowhere else, and people copy it.
 */

/** ECMA-48 sequences, after ESC or in one character: CSI; OSC and other strings up to their end; the short ones. */
const ANSI = new RegExp(
  [
    String.raw`(?:ESC\[|\x9b)[0-?]*[ -/]*[@-~]`,
    String.raw`(?:ESC[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07ESC\x9c\n]*(?:\x07|ESC\\|\x9c)?`,
    String.raw`ESC[ -/]*[0-~]?`,
  ]
    .join('|')
    .replaceAll('ESC', String.raw`\x1b`),
  'g',
);
const CONTROL = /(?![\n\t])\p{Cc}/gu;
/** Characters without a shape of their own: bidi controls, zero-width and joining characters, fillers, tags. */
const UNSEEN = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const LINE_BREAK = /\r\n?|[\u0085\u2028\u2029]/g;

const PUNCTUATION = /[&<>"'`*_~[\](){}!|\\#+\-=$]/g;
/** Breaks `@name`, `#1`, `GH-1`, `https://` and `:tada:`, which GitHub looks for in the rendered text, where entities are no help. */
const APART = '\u200b';
/** `:tada:`, and `:100:` of `a.ts:100:5`. Other numbers between colons are no emoji, and people copy lines and columns. */
const EMOJI = /:(?=(?:100|1234|(?!\d+:)[\w+-]{1,64}):)/g;
/** GitHub's parser clamps the length of a fence to 255, so that longer runs of backticks would close any fence. */
const LONG_RUN = /`{32}(?=`)/g;

const CELL_CHARS_MAX = 120;
const TEXT_CHARS_MAX = 1000;
const CODE_CHARS_MAX = 8000;
const ELLIPSIS = '…';

/** Plain text of one line, for fields that GitHub shows as they are: titles and names of checks. */
export function plainLine(text: string, charsMax: number): string {
  return cut(visible(text).replace(/\s+/g, ' ').trim(), charsMax);
}

/** Plain text of several lines, as annotations have it. */
export function plainLines(text: string, charsMax: number): string {
  return cut(visible(text), charsMax);
}

/** Text for the middle of a paragraph or list item: one line of inert Markdown. */
export function safeText(text: string, charsMax = TEXT_CHARS_MAX): string {
  return inert(plainLine(text, charsMax));
}

/** The same for a cell of a table. */
export function safeCell(text: string, charsMax = CELL_CHARS_MAX): string {
  return inert(plainLine(text, charsMax));
}

/** A fenced block whose fence the text cannot close. Keeps the end of a text that is too long: errors stand there. */
export function safeCode(text: string, charsMax = CODE_CHARS_MAX): string {
  const lines = visible(text).trimEnd();
  const end = lines.length > charsMax ? `${ELLIPSIS}${lines.slice(-charsMax).toWellFormed()}` : lines;
  const shown = end.replace(LONG_RUN, `$&${APART}`);
  const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${shown}\n${fence}`;
}

function visible(text: string): string {
  return text.toWellFormed().replace(LINE_BREAK, '\n').replace(ANSI, '').replace(CONTROL, '').replace(UNSEEN, '');
}

function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1).replace(/[\ud800-\udbff]$/, '')}${ELLIPSIS}`;
}

/** Entities are hexadecimal: `&#124;` would hold `#124`, should anybody look for references before rendering. */
function inert(line: string): string {
  return line
    .replace(/@/g, `@${APART}`)
    .replace(/#(?=\d)/g, `#${APART}`)
    .replace(/\b(GH-)(?=\d)/gi, `$1${APART}`)
    .replace(/:(?=\/\/)/g, `:${APART}`)
    .replace(/\b(mailto|xmpp):/gi, `$1${APART}:`)
    .replace(/\b(www)\./gi, `$1${APART}.`)
    .replace(EMOJI, `:${APART}`)
    .replace(PUNCTUATION, (char) => `&#x${char.charCodeAt(0).toString(16)};`)
    .replace(/^(\d+)\./, '$1&#x2e;');
}
