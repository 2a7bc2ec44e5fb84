import { isJsonObject } from '../base/json.ts';
import type { Decision, Obligation, Verdict } from './decision.ts';

/** What the rules said, before it is tied to a bundle and a question. */
export type Answer = Pick<Decision, 'verdict' | 'reasons' | 'obligations'>;

export const REASONS_MAX = 50;
const REASON_CHARS_MAX = 500;
/** Of all reasons of an answer, as they are shown: each of thousands of steps may have an answer of its own. */
export const REASONS_CHARS_MAX = 8000;
/** More than the data document can make of them. */
const OBLIGATIONS_MAX = 500;

/** The answer where there is none: policy that cannot be asked denies. */
export function denial(why: string): Answer {
  return freeze('deny', [printable(`engine/evaluation-error: ${why}`)], []);
}

/** The answer in the value of the entrypoint; a denial where the value is not an answer. */
export function readAnswer(value: unknown): Answer {
  if (!isJsonObject(value)) return denial('the rules gave no result');
  const { verdict, reasons, obligations } = value;
  if (!isVerdict(verdict) || !isListOf(reasons, isString) || !isListOf(obligations, isObligation)) {
    return denial('the rules gave a result of an unknown shape');
  }
  if (obligations.length > OBLIGATIONS_MAX) return denial(`the rules gave ${obligations.length} obligations`);
  return freeze(verdict, boundedReasons(reasons), obligations.map(printableDuty));
}

function boundedReasons(reasons: readonly string[]): readonly string[] {
  let chars = 0;
  const printed = reasons.slice(0, REASONS_MAX).map(printable);
  const shown = printed.filter((reason) => (chars += reason.length) <= REASONS_CHARS_MAX);
  const rest = reasons.length - shown.length;
  return rest === 0 ? shown : [...shown, `engine/more: and ${rest} more reasons`];
}

/**
 * Names in a reason are written by whoever wrote the pipeline: what is not printable ASCII is escaped, so that a
 * look-alike letter shows and no terminal is steered, and the length is bounded.
 */
function printable(reason: string): string {
  const cut = reason.length > REASON_CHARS_MAX ? `${reason.slice(0, REASON_CHARS_MAX)}... (cut)` : reason;
  return cut.replaceAll(/[^\x20-\x7e]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

/** A hold says why, in names that somebody chose. */
function printableDuty(duty: Obligation): Obligation {
  return typeof duty.value === 'string' ? { type: duty.type, value: printable(duty.value) } : duty;
}

function freeze(verdict: Verdict, reasons: readonly string[], obligations: readonly Obligation[]): Answer {
  return {
    verdict,
    reasons: Object.freeze(reasons),
    obligations: Object.freeze(obligations.map((duty) => Object.freeze(duty))),
  };
}

function isVerdict(value: unknown): value is Verdict {
  return value === 'allow' || value === 'deny' || value === 'ask';
}

function isListOf<Item>(value: unknown, isItem: (item: unknown) => item is Item): value is readonly Item[] {
  return Array.isArray(value) && value.every(isItem);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isObligation(value: unknown): value is Obligation {
  return (
    isJsonObject(value) &&
    typeof value['type'] === 'string' &&
    ['string', 'number', 'boolean'].includes(typeof value['value'])
  );
}
