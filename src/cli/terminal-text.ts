/** C0, DEL and C1 controls; bidirectional overrides (they reorder what a reader sees); line separators. */
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
/**
 * Whole escape sequences (ECMA-48): CSI, strings such as OSC and DCS, and short ones. No part can be read in two ways and
 * none runs over the start of another, so the time is linear: `stripVTControlCharacters` of Node is quadratic here.
 */
const SEQUENCES =
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u0080-\u009f]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-OQ-WYZ\\`-~]/g;
const LINE_CHARS_MAX = 65_536;
const PLAIN = /^[\x20-\x7e]*$/;
const TAB_WIDTH = 8;

/**
 * One line that is safe to show: nothing in it moves the cursor, sets a title, rings or reorders text.
 *
 * Whole escape sequences are dropped; a control character that stands alone becomes its visible picture (`␛`). Of text
 * that was overwritten by carriage returns (progress bars), the last version is kept.
 */
export function safeText(text: string): string {
  if (PLAIN.test(text)) return text;
  const overwritten = withoutTrailingReturns(text);
  const lastVersion = overwritten.slice(overwritten.lastIndexOf('\r') + 1);
  const cut = lastVersion.length > LINE_CHARS_MAX ? `${lastVersion.slice(0, LINE_CHARS_MAX)}…` : lastVersion;
  return expandTabs(withoutSequences(cut)).replace(UNSAFE, pictureOf);
}

function withoutTrailingReturns(text: string): string {
  let end = text.length;
  while (text[end - 1] === '\r') end--;
  return text.slice(0, end);
}

/** The text without escape sequences. What is broken or unfinished of one stays. */
export function withoutSequences(text: string): string {
  return text.replace(SEQUENCES, '');
}

/** JSON whose text is safe on a terminal too: `JSON.stringify` leaves DEL, C1 and bidirectional controls as they are. */
export function safeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNSAFE, (char) =>
    char === '\n' ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

/** The text cut to `columns`, with an ellipsis where something is missing. */
export function cutText(text: string, columns: number, ellipsis = '…'): string {
  if (columns <= 0) return '';
  if (widthOf(text) <= columns) return text;
  const room = columns - widthOf(ellipsis);
  if (room < 0) return '';
  let kept = '';
  let width = 0;
  for (const char of text) {
    width += charWidth(char);
    if (width > room) break;
    kept += char;
  }
  return kept + ellipsis;
}

/** The text filled with spaces up to `columns`. */
export function padText(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)));
}

function expandTabs(text: string): string {
  if (!text.includes('\t')) return text;
  let line = '';
  let width = 0;
  for (const part of text.split(/(\t)/)) {
    const shown = part === '\t' ? ' '.repeat(TAB_WIDTH - (width % TAB_WIDTH)) : part;
    line += shown;
    width += widthOf(shown);
  }
  return line;
}

function pictureOf(char: string): string {
  const code = char.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? '␡' : '�';
}

/** Ranges that terminals show two columns wide (Unicode 16 East Asian Width W and F, and emoji). */
const WIDE =
  /[\u1100-\u115f\u231a\u231b\u23e9-\u23ec\u2614\u2615\u2705\u270a\u270b\u2728\u274c\u2753-\u2755\u2b50\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const ZERO_WIDTH = /^(?:\p{Mn}|\p{Me}|\p{Cf})$/u;

function charWidth(char: string): number {
  if (char <= '~') return 1;
  if (ZERO_WIDTH.test(char)) return 0;
  return WIDE.test(char) ? 2 : 1;
}
