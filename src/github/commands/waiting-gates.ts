import { MaestroError } from '../../base/errors.ts';
import { didYouMean, nearest } from '../../pipeline/suggest.ts';
import { isRunFinal, type StepView } from '../../protocol/run.ts';
import type { HeadRun } from './head-runs.ts';

/** What waits for a person: a step, or, where `gate` is null, the run itself, which policy wants to be asked about. */
export interface WaitingGate {
  readonly run: HeadRun;
  readonly gate: string | null;
}

export function waitingGates(runs: readonly HeadRun[]): readonly WaitingGate[] {
  return runs.flatMap((run) => {
    if (isRunFinal(run.view.status)) return [];
    const gates = run.view.steps.filter(waitsForPeople).map(({ id }) => ({ run, gate: id }));
    return run.view.isConsentWanted ? [{ run, gate: null }, ...gates] : gates;
  });
}

function waitsForPeople({ status, hold }: StepView): boolean {
  return status === 'held' && (hold?.kind === 'gate' || hold?.kind === 'ask' || hold?.kind === 'unknown-outcome');
}

/**
 * Which gate the words after `approve` or `deny` name, and the reason. The first word names a gate where it can: the name of
 * a step or pipeline that does not wait now, a single word, and one that looks like a gate's name are never taken for a
 * reason, or they would open another gate.
 * @throws GATE_NOT_OPEN
 */
export function chooseGate(
  runs: readonly HeadRun[],
  { words, text }: { readonly words: readonly string[]; readonly text: string },
): { readonly waiting: WaitingGate; readonly reason: string; readonly isNamed: boolean } {
  const waiting = waitingGates(runs);
  const [first] = words;
  if (waiting.length === 0) throw new MaestroError('GATE_NOT_OPEN', 'no gate of the newest commit waits for an answer');
  const named = first === undefined ? [] : waiting.filter((one) => namesOf(one).includes(first));
  if (named.length > 1)
    throw new MaestroError('GATE_NOT_OPEN', `more than one pipeline has it; name one of ${listOf(named)}`);
  if (named[0]) return { waiting: named[0], reason: withoutFirstWord(text), isNamed: true };
  const names = waiting.flatMap(namesOf);
  if (first !== undefined && (words.length === 1 || isName(first, runs) || nearest(first, names) !== undefined))
    throw new MaestroError(
      'GATE_NOT_OPEN',
      `${first} does not wait for an answer${didYouMean(first, names)}; these do: ${listOf(waiting)}`,
    );
  return { waiting: onlyOf(waiting), reason: text, isNamed: false };
}

/**
 * What is meant where no gate is named.
 * @throws GATE_NOT_OPEN where none waits, or more than one
 */
export function onlyWaiting(runs: readonly HeadRun[]): WaitingGate {
  return onlyOf(waitingGates(runs));
}

function onlyOf(waiting: readonly WaitingGate[]): WaitingGate {
  const [only, ...others] = waiting;
  if (only === undefined) throw new MaestroError('GATE_NOT_OPEN', 'no gate waits for an answer');
  if (others.length > 0)
    throw new MaestroError('GATE_NOT_OPEN', `more than one gate waits; name one of ${listOf(waiting)}`);
  return only;
}

/** Whether a word is the name of a pipeline, or of one of its steps, whatever state that is in. */
function isName(word: string, runs: readonly HeadRun[]): boolean {
  return runs.some(({ view: { pipeline, steps } }) => {
    const step = word.startsWith(`${pipeline}/`) ? word.slice(pipeline.length + 1) : word;
    return word === pipeline || steps.some(({ id }) => id === step || id.startsWith(`${step}[`));
  });
}

function namesOf({ run, gate }: WaitingGate): readonly string[] {
  const { pipeline } = run.view;
  return gate === null ? [pipeline] : [gate, `${pipeline}/${gate}`];
}

function listOf(waiting: readonly WaitingGate[]): string {
  return waiting.map((one) => namesOf(one).at(-1) ?? '').join(', ');
}

function withoutFirstWord(text: string): string {
  const quoted = /^(?:"[^"]*"|'[^']*'|\S+)\s*/u.exec(text);
  return text.slice(quoted?.[0].length ?? 0);
}
