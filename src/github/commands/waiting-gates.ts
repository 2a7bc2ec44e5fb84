import { MaestroError } from '../../base/errors.ts';
import { didYouMean, nearest } from '../../pipeline/suggest.ts';
import { isRunFinal, type RunView, type StepView } from '../../protocol/run.ts';
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
    return waitsForConsent(run.view) ? [{ run, gate: null }, ...gates] : gates;
  });
}

function waitsForPeople({ status, hold }: StepView): boolean {
  return status === 'held' && (hold?.kind === 'gate' || hold?.kind === 'ask' || hold?.kind === 'unknown-outcome');
}

function waitsForConsent({ status, decision }: RunView): boolean {
  return status === 'queued' && decision?.verdict === 'ask';
}

/**
 * Which gate the words after `approve` or `deny` name, and the reason. The first word names a gate where it can: a single
 * word, and one that looks like a gate's name, is never taken for a reason, or a typing error would open another gate.
 * @throws GATE_NOT_OPEN
 */
export function chooseGate(
  waiting: readonly WaitingGate[],
  words: readonly string[],
  text: string,
): { readonly waiting: WaitingGate; readonly reason: string } {
  const [first] = words;
  if (waiting.length === 0) throw new MaestroError('GATE_NOT_OPEN', 'no gate of the newest commit waits for an answer');
  const named = first === undefined ? [] : waiting.filter((one) => namesOf(one).includes(first));
  if (named.length > 1)
    throw new MaestroError('GATE_NOT_OPEN', `more than one pipeline has it; name one of ${listOf(named)}`);
  const names = waiting.flatMap(namesOf);
  if (named[0]) return { waiting: named[0], reason: withoutFirstWord(text) };
  if (first !== undefined && (words.length === 1 || nearest(first, names) !== undefined))
    throw new MaestroError(
      'GATE_NOT_OPEN',
      `${first} does not wait for an answer${didYouMean(first, names)}; these do: ${listOf(waiting)}`,
    );
  const [only, ...others] = waiting;
  if (only === undefined || others.length > 0)
    throw new MaestroError('GATE_NOT_OPEN', `more than one gate waits; name one of ${listOf(waiting)}`);
  return { waiting: only, reason: text };
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
