import { type Expr, ExpressionError, Lexer, Parser, wellKnownFunctions } from '@actions/expressions';
import { type Token, TokenType } from '@actions/expressions/lexer';
import { messageOf } from '../base/errors.ts';
import { EXPRESSION_CHARS_MAX, EXPRESSION_TOKENS_MAX } from './limits.ts';

/** A text that is not an expression, with the place of the fault in it where GitHub's parser knows one. */
export interface ExpressionFault {
  readonly message: string;
  /** Characters from the start of the expression. */
  readonly offset: number;
}

/** A name in an expression that a call or a context uses, as written. */
export interface NameUse {
  readonly name: string;
  readonly offset: number;
}

export interface ParsedExpression {
  readonly source: string;
  readonly tree: Expr;
  readonly contexts: readonly NameUse[];
  readonly functions: readonly NameUse[];
}

export type ParseAnswer = { readonly parsed: ParsedExpression } | { readonly fault: ExpressionFault };

/** Functions of GitHub's language, by lower-case name. Looked up here only, so `constructor()` is never one. */
export const BUILT_IN_FUNCTIONS: ReadonlyMap<string, (typeof wellKnownFunctions)[string]> = new Map(
  Object.entries(wellKnownFunctions),
);

/**
 * Parses with GitHub's parser, letting every context and function name through: which names exist depends on the place,
 * and the caller can then name *all* wrong ones, not the first.
 */
export function parseExpression(source: string): ParseAnswer {
  if (source.length > EXPRESSION_CHARS_MAX) {
    return {
      fault: { message: `expected at most ${EXPRESSION_CHARS_MAX} characters, got ${source.length}`, offset: 0 },
    };
  }
  try {
    return parseWithinBounds(source);
  } catch (error) {
    const offset = error instanceof ExpressionError ? offsetOf(source, error.pos) : 0;
    return { fault: { message: messageOf(error).replace(/ Located at position.*$/s, ''), offset } };
  }
}

function parseWithinBounds(source: string): ParseAnswer {
  const { tokens } = new Lexer(source).lex();
  if (tokens.length <= 1) return { fault: { message: 'expected an expression, got nothing', offset: 0 } };
  if (tokens.length > EXPRESSION_TOKENS_MAX) {
    return { fault: { message: `expected at most ${EXPRESSION_TOKENS_MAX} symbols, got ${tokens.length}`, offset: 0 } };
  }
  tokens.forEach(unescapeString);
  const { contexts, functions } = namesOf(source, tokens);
  const foreign = functions.filter(({ name }) => !BUILT_IN_FUNCTIONS.has(name.toLowerCase()));
  const tree = new Parser(
    tokens,
    contexts.map(({ name }) => name),
    foreign.map(({ name }) => ({ name, minArgs: 0, maxArgs: 255 })),
  ).parse();
  return { parsed: { source, tree, contexts, functions } };
}

/** The library undoubles only the first `''` of a string; the runner undoubles all. */
function unescapeString(token: Token): void {
  if (token.type === TokenType.STRING) token.value = token.lexeme.slice(1, -1).replaceAll("''", "'");
}

function namesOf(source: string, tokens: readonly Token[]): Pick<ParsedExpression, 'contexts' | 'functions'> {
  const contexts: NameUse[] = [];
  const functions: NameUse[] = [];
  tokens.forEach((token, index) => {
    if (token.type !== TokenType.IDENTIFIER || tokens[index - 1]?.type === TokenType.DOT) return;
    const use = { name: token.lexeme, offset: offsetOf(source, token.range.start) };
    if (tokens[index + 1]?.type === TokenType.LEFT_PAREN) functions.push(use);
    else contexts.push(use);
  });
  return { contexts, functions };
}

function offsetOf(source: string, pos: { readonly line: number; readonly column: number }): number {
  let start = 0;
  for (let line = 0; line < pos.line; line++) start = source.indexOf('\n', start) + 1;
  return start + pos.column;
}
