import { type ExpressionFault, type ParsedExpression, parseExpression } from './expression-syntax.ts';
import { TEMPLATE_CACHED_CHARS_MAX, TEMPLATES_CACHED_MAX } from './limits.ts';

/** A text with `${{ expression }}` in it, cut into literal text and expressions. */
export interface Template {
  readonly parts: readonly TemplatePart[];
  readonly faults: readonly TemplateFault[];
}

type TemplatePart = string | TemplateExpression;

interface TemplateExpression {
  readonly parsed: ParsedExpression;
  /** Where its `${{` stands among all `${{` of the text, from 0. */
  readonly ordinal: number;
  /** Characters from `${{` to the first character of `parsed.source`. */
  readonly lead: number;
}

interface TemplateFault extends ExpressionFault {
  readonly kind: 'syntax' | 'unclosed';
  readonly ordinal: number;
}

export const EXPRESSION_OPEN = '${{';
const EXPRESSION_CLOSE = '}}';

const cache = new Map<string, Template>();

export function hasExpression(text: string): boolean {
  return text.includes(EXPRESSION_OPEN);
}

/** Parses a text; the most recently used answers are kept. */
export function parseTemplate(text: string): Template {
  return remembered(`t${text}`, () => cut(text));
}

/** Parses a bare expression, with or without one `${{ }}` around it. Faults of kind `unclosed` mean text beside it. */
export function parseCondition(text: string): Template {
  const trimmed = text.trim();
  if (hasExpression(trimmed)) return parseTemplate(trimmed);
  return remembered(`c${trimmed}`, () => {
    const answer = parseExpression(trimmed);
    if ('fault' in answer) return { parts: [], faults: [{ kind: 'syntax', ordinal: 0, ...answer.fault }] };
    return { parts: [{ parsed: answer.parsed, ordinal: 0, lead: 0 }], faults: [] };
  });
}

function remembered(key: string, make: () => Template): Template {
  const known = cache.get(key);
  if (known) {
    cache.delete(key);
    cache.set(key, known);
    return known;
  }
  const made = make();
  if (key.length <= TEMPLATE_CACHED_CHARS_MAX) cache.set(key, made);
  if (cache.size > TEMPLATES_CACHED_MAX) cache.delete(cache.keys().next().value ?? key);
  return made;
}

function cut(text: string): Template {
  const parts: TemplatePart[] = [];
  const faults: TemplateFault[] = [];
  let from = 0;
  for (let ordinal = 0; ; ordinal++) {
    const open = text.indexOf(EXPRESSION_OPEN, from);
    if (open < 0) break;
    const close = endOfExpression(text, open + EXPRESSION_OPEN.length);
    if (close < 0) {
      faults.push({
        kind: 'unclosed',
        ordinal,
        offset: 0,
        message: 'expected `}}` after `${{`, got the end of the text',
      });
      return { parts, faults };
    }
    if (open > from) parts.push(text.slice(from, open));
    const body = text.slice(open + EXPRESSION_OPEN.length, close);
    const lead = EXPRESSION_OPEN.length + body.length - body.trimStart().length;
    const answer = parseExpression(body.trim());
    if ('fault' in answer)
      faults.push({ kind: 'syntax', ordinal, message: answer.fault.message, offset: lead + answer.fault.offset });
    else parts.push({ parsed: answer.parsed, ordinal, lead });
    ordinal += text.slice(open + EXPRESSION_OPEN.length, close).split(EXPRESSION_OPEN).length - 1;
    from = close + EXPRESSION_CLOSE.length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return { parts, faults };
}

/** Index of the `}}` that ends the expression: one inside a quoted text does not. */
function endOfExpression(text: string, from: number): number {
  let isQuoted = false;
  for (let i = from; i < text.length; i++) {
    const char = text[i];
    if (char === "'") isQuoted = !isQuoted;
    else if (!isQuoted && char === '}' && text[i + 1] === '}') return i;
  }
  return -1;
}
