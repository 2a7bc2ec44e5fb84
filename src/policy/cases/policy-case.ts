import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';
import { didYouMean } from '../../pipeline/suggest.ts';
import type { Obligation, Verdict } from '../decision.ts';
import type { PolicyInput, PolicyPhase } from '../input.ts';
import { type Complain, layOver } from './lay-over.ts';
import { SAMPLE_QUESTIONS } from './sample-question.ts';

/** A question, and what rules must say to it. */
export interface PolicyCase {
  readonly name: string;
  readonly input: PolicyInput;
  readonly verdict: Verdict;
  /** How one of the reasons begins; null where it does not matter. */
  readonly rule: string | null;
  /** Each must be among those of the answer. */
  readonly obligations: readonly Obligation[];
}

const CASES_MAX = 1000;
const TEXT_CHARS_MAX = 200;
const KEYS: readonly string[] = ['name', 'input', 'verdict', 'rule', 'obligations'];
const PHASES = Object.keys(SAMPLE_QUESTIONS) as readonly PolicyPhase[];
const VERDICTS: readonly Verdict[] = ['allow', 'ask', 'deny'];

/** The cases in a list of them. What is wrong with one goes to `complain`; what it answers then is worth nothing. */
export function readCases(value: Json | undefined, complain: Complain): readonly PolicyCase[] {
  if (!Array.isArray(value) || value.length === 0) {
    complain([], 'expected a list of cases, each with name, input and verdict');
    return [];
  }
  const list: readonly Json[] = value;
  if (list.length > CASES_MAX) complain([], `expected at most ${CASES_MAX} cases, got ${list.length}`);
  const names = new Set<Json | undefined>();
  return list.slice(0, CASES_MAX).flatMap((given, index) => {
    const at: Complain = (path, message) => complain([String(index), ...path], message);
    if (!isJsonObject(given)) {
      at([], 'expected a case: a mapping with name, input and verdict');
      return [];
    }
    if (names.has(given['name'])) at(['name'], 'another case has this name');
    names.add(given['name']);
    return [readCase(given, at)];
  });
}

function readCase(given: JsonObject, complain: Complain): PolicyCase {
  const foreign = Object.keys(given).find((key) => !KEYS.includes(key));
  if (foreign !== undefined) complain([foreign], `a case has no ${foreign}${didYouMean(foreign, KEYS)}`);
  const verdict = VERDICTS.find((one) => one === given['verdict']);
  if (verdict === undefined) complain(['verdict'], `expected one of ${VERDICTS.join(', ')}`);
  return {
    name: textOf(given['name'], () => complain(['name'], `expected a name of 1 to ${TEXT_CHARS_MAX} characters`)),
    input: questionOf(given['input'], (path, message) => complain(['input', ...path], message)),
    verdict: verdict ?? 'deny',
    rule:
      given['rule'] === undefined
        ? null
        : textOf(given['rule'], () => complain(['rule'], 'expected how a reason begins, for example budget/above-max')),
    obligations: obligationsOf(given['obligations'] ?? {}, complain),
  };
}

function textOf(value: Json | undefined, complain: () => void): string {
  if (typeof value === 'string' && value !== '' && value.length <= TEXT_CHARS_MAX) return value;
  complain();
  return '';
}

function questionOf(change: Json | undefined, complain: Complain): PolicyInput {
  if (!isJsonObject(change)) {
    complain([], 'expected a mapping: what the question says other than a plain one');
    return SAMPLE_QUESTIONS.run;
  }
  const { phase = 'step' } = change;
  const known = PHASES.find((one) => one === phase);
  if (known === undefined) complain(['phase'], `expected one of ${PHASES.join(', ')}`);
  return layOver(SAMPLE_QUESTIONS[known ?? 'step'], known === undefined ? {} : change, complain);
}

function obligationsOf(value: Json, complain: Complain): readonly Obligation[] {
  if (!isJsonObject(value)) {
    complain(['obligations'], 'expected a mapping of types to values, for example `{ approvals: 2 }`');
    return [];
  }
  return Object.entries(value).map(([type, value]) => ({ type, value: value as Obligation['value'] }));
}
