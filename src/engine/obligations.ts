import { momentOf } from '../base/wall-clock.ts';
import type { Decision } from '../policy/decision.ts';

const SECOND_MS = 1000;

/** How many people have to agree; 0 where policy says nothing. Whoever asks takes the most of several. */
export function approvalsWanted({ obligations }: Pick<Decision, 'obligations'>): number {
  return most(obligations, 'approvals') ?? 0;
}

/** Whether whoever asked for the run is none of those people. */
export function forbidsActor({ obligations }: Pick<Decision, 'obligations'>): boolean {
  return obligations.some(({ type, value }) => type === 'approver-is-not-actor' && value === true);
}

/** Milliseconds after which a question to people is denied; null where it waits for ever. */
export function expiresAfterMs({ obligations }: Pick<Decision, 'obligations'>): number | null {
  const seconds = numbers(obligations, 'expires-seconds');
  return seconds.length === 0 ? null : Math.min(...seconds) * SECOND_MS;
}

export interface Waiting {
  /** What is waited for, each in words of policy. Empty: nothing. */
  readonly reasons: readonly string[];
  /** When it is worth asking again; null where time alone changes nothing, or nobody can say when. */
  readonly lookAgainMs: number | null;
}

/** What policy does not deny, but not now. */
export function waitingFor({ obligations }: Pick<Decision, 'obligations'>, nowMs: number): Waiting {
  const reasons = obligations.flatMap(({ type, value }) => (type === 'hold' ? [String(value)] : []));
  const moments = obligations.flatMap(({ type, value }) => {
    if (type === 'hold-seconds' && typeof value === 'number') return [nowMs + value * SECOND_MS];
    const moment = type === 'hold-until' ? momentOf(String(value)) : undefined;
    return moment === undefined ? [] : [moment];
  });
  // An hour that comes twice in autumn ends a second time: what is over and still holds would be asked about without a pause.
  const ahead = moments.filter((moment) => moment > nowMs);
  return { reasons, lookAgainMs: ahead.length === 0 ? null : Math.max(...ahead) - nowMs };
}

function most(obligations: Decision['obligations'], type: string): number | undefined {
  const found = numbers(obligations, type);
  return found.length === 0 ? undefined : Math.max(...found);
}

function numbers(obligations: Decision['obligations'], type: string): readonly number[] {
  return obligations.flatMap((duty) => (duty.type === type && typeof duty.value === 'number' ? [duty.value] : []));
}
