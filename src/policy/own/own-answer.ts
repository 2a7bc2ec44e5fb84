import { isJsonObject } from '../../base/json.ts';
import { momentOf } from '../../base/wall-clock.ts';
import { type Answer, readAnswer } from '../answer.ts';
import type { Obligation, PackVerdict } from '../decision.ts';
import type { LoopAnswer } from './rules-loop.ts';

/** What the rules of one bundle say to a question, in their own words. */
export interface OwnAnswer {
  /** `own/acme`: whatever they say is shown under this name. */
  readonly pack: string;
  readonly deny: readonly string[];
  readonly ask: readonly string[];
  readonly oblige: readonly Obligation[];
  /** Why they gave no answer, which denies; null where they gave one. */
  readonly failure: string | null;
  /** Asked again, they may say something else: they were stopped, or broke down. */
  readonly isPassing: boolean;
}

const SETS: readonly string[] = ['deny', 'ask', 'oblige'];
const COUNT_MAX = 1_000_000_000;
const isCount = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= COUNT_MAX;

/** The closed list of what an answer may oblige to, with the values that each takes. */
const OBLIGATIONS: Readonly<Record<string, (value: unknown) => boolean>> = {
  approvals: isCount,
  'approver-is-not-actor': (value) => value === true,
  'approver-is-not-author': (value) => value === true,
  'expires-seconds': isCount,
  hold: (value) => typeof value === 'string' && value !== '',
  'hold-seconds': isCount,
  'hold-until': (value) => typeof value === 'string' && momentOf(value) !== undefined,
  'runs-max': isCount,
  'jobs-max': (value) => typeof value === 'string' && /^[\w.-]+=\d{1,9}$/.test(value),
};

/** Reads what the thread of a bundle gave. What is not an answer is a denial. */
export function readOwnAnswer(name: string, given: LoopAnswer): OwnAnswer {
  const pack = `own/${name}`;
  const nothing = { pack, deny: [], ask: [], oblige: [] };
  if ('failure' in given) return { ...nothing, failure: given.failure, isPassing: true };
  const failure = faultOf(given.value);
  if (failure !== null) return { ...nothing, failure, isPassing: false };
  const { deny = [], ask = [], oblige = [] } = given.value as Partial<OwnAnswer>;
  // A set of the module has no order of its own.
  return { pack, deny: deny.toSorted(), ask: ask.toSorted(), oblige, failure, isPassing: false };
}

/**
 * Our answer, as the rules give it, with what own rules add to it: they deny, ask and oblige beside ours, and take nothing
 * away.
 */
export function narrowed(ours: unknown, own: readonly OwnAnswer[]): unknown {
  return withAdded(ours, own.map(named));
}

/** What one bundle alone says. */
export function ownVerdict(answer: OwnAnswer): PackVerdict {
  return { pack: answer.pack, ...readAnswer(withAdded(NOTHING_SAID, [named(answer)])) };
}

/** The same in its own words, as its own cases expect it. */
export function ownWords(answer: OwnAnswer): Answer {
  return readAnswer(withAdded(NOTHING_SAID, [answer]));
}

const NOTHING_SAID = { verdict: 'allow', reasons: [], obligations: [] } as const;

type Said = Pick<OwnAnswer, 'deny' | 'ask' | 'oblige'>;

function withAdded(ours: unknown, own: readonly Said[]): unknown {
  if (!isJsonObject(ours)) return ours;
  const { verdict, reasons, obligations } = ours;
  if (!Array.isArray(reasons) || !Array.isArray(obligations)) return ours;
  const denials = own.flatMap(({ deny }) => deny);
  const questions = own.flatMap(({ ask }) => ask);
  if (verdict === 'deny') return { verdict, reasons: [...reasons, ...denials], obligations: [] };
  if (denials.length > 0) return { verdict: 'deny', reasons: denials, obligations: [] };
  const duties = strictest([...(obligations as readonly Obligation[]), ...own.flatMap(({ oblige }) => oblige)]);
  if (verdict === 'ask') return { verdict, reasons: [...reasons, ...questions], obligations: duties };
  if (verdict === 'allow' && questions.length > 0) return { verdict: 'ask', reasons: questions, obligations: duties };
  return { verdict, reasons, obligations: duties };
}

/** Under the bundle's name, so that nothing of it can be taken for a reason of ours. */
function named({ pack, deny, ask, oblige, failure }: OwnAnswer): Said {
  const under = (reason: string): string => `${pack}/${reason}`;
  const failures = failure === null ? [] : [`engine/own-rules: ${pack} gave no answer: ${failure}`];
  return {
    deny: [...failures, ...deny.map(under)],
    ask: ask.map(under),
    oblige: oblige.map((duty) => (duty.type === 'hold' ? { ...duty, value: `${pack}: ${String(duty.value)}` } : duty)),
  };
}

/** What makes a value no answer; null where it is one. */
function faultOf(value: unknown): string | null {
  if (value === undefined) return 'data.maestro.own.decision is undefined';
  if (!isJsonObject(value)) return 'their decision is not an object of deny, ask and oblige';
  const keys = Object.keys(value);
  const foreign = keys.length === 0 ? 'none of them' : keys.find((key) => !SETS.includes(key));
  if (foreign !== undefined) return `their decision may have deny, ask and oblige, and has ${foreign}`;
  const { deny = [], ask = [], oblige = [] } = value;
  if (!isTexts(deny) || !isTexts(ask) || !Array.isArray(oblige))
    return 'deny and ask must be sets of texts, oblige a set';
  const wrong: unknown = oblige.find((duty) => !isObligation(duty));
  return wrong === undefined ? null : `nobody can be obliged to ${JSON.stringify(wrong)}`;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '');
}

function isObligation(duty: unknown): duty is Obligation {
  if (!isJsonObject(duty) || Object.keys(duty).length !== 2) return false;
  const { type, value } = duty;
  return typeof type === 'string' && Object.hasOwn(OBLIGATIONS, type) && OBLIGATIONS[type]?.(value) === true;
}

/** Of those that count for all, the strictest; of the others each once. */
function strictest(duties: readonly Obligation[]): readonly Obligation[] {
  const isLesser = (duty: Obligation): boolean =>
    duties.some(
      ({ type, value }) =>
        type === duty.type &&
        ((type === 'approvals' && value > duty.value) ||
          ((type === 'expires-seconds' || type === 'runs-max') && value < duty.value)),
    );
  const kept = duties.filter((duty) => !isLesser(duty));
  return [...new Map(kept.map((duty) => [JSON.stringify([duty.type, duty.value]), duty])).values()];
}
