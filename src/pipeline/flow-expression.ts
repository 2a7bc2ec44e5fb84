import { Lexer } from 'yaml';
import type { Span } from './finding.ts';

/** Rounds of looking: a quote inside one bare expression can hide the next from YAML until it is masked. */
const ROUNDS_MAX = 10;

/**
 * Places of `${{ … }}` that stand unquoted inside `{ }` or `[ ]`: YAML reads their braces as flow mappings.
 *
 * Works on YAML's own tokens, so a quoted or block text is never mistaken for one.
 */
export function bareFlowExpressions(text: string): readonly Span[] {
  const spans: Span[] = [];
  for (let round = 0, masked = text; round < ROUNDS_MAX; round++) {
    const found = bareExpressionsIn(masked);
    if (found.length === 0) break;
    spans.push(...found);
    masked = maskSpans(masked, found);
  }
  return spans.sort((a, b) => a.start - b.start);
}

function bareExpressionsIn(text: string): readonly Span[] {
  const spans: Span[] = [];
  let offset = 0;
  let level = 0;
  for (const token of new Lexer().lex(text)) {
    if (ZERO_WIDTH.has(token)) continue;
    const isOpening = token === '{' || token === '[';
    if (isOpening && level > 0 && offset >= (spans.at(-1)?.end ?? 0)) spans.push(...expressionAt(text, offset - 1));
    if (isOpening) level++;
    else if (token === '}' || token === ']') level = Math.max(0, level - 1);
    offset += token.length;
  }
  return spans;
}

function expressionAt(text: string, start: number): readonly Span[] {
  const end = text.startsWith('${{', start) ? text.indexOf('}}', start) : -1;
  return end < 0 ? [] : [{ start, end: end + 2 }];
}

/** Marks of the lexer that stand for no text: document, scalar, flow error. */
const ZERO_WIDTH: ReadonlySet<string> = new Set(['\u0002', '\u0018', '\u001F']);

/** Private-use characters that stand for ASCII ones, so that positions stay as they are. */
const MASK_BASE = 0xe000;
const MASKED = /[\uE000-\uE07F]/g;

/** The text with the spans made opaque to YAML; `unmask` gives them back. */
export function maskSpans(text: string, spans: readonly Span[]): string {
  let masked = '';
  let from = 0;
  for (const { start, end } of spans) {
    masked += text.slice(from, start) + text.slice(start, end).replace(/[!-/:-@[-`{-~ ]/g, maskCharacter);
    from = end;
  }
  return masked + text.slice(from);
}

export function unmask(text: string): string {
  return text.replace(MASKED, (char) => String.fromCharCode(char.charCodeAt(0) - MASK_BASE));
}

function maskCharacter(char: string): string {
  return String.fromCharCode(MASK_BASE + char.charCodeAt(0));
}
