import type { Decision } from '../policy/decision.ts';
import type { RunTrigger } from '../protocol/client.ts';
import type { Approval } from '../store/approvals.ts';
import { forbidsActor } from './obligations.ts';

/**
 * Answers that count under what policy wants now. Whoever asked for the run may have approved it while that was allowed: where
 * it is no more, somebody else has to.
 */
export function countable(
  answers: readonly Approval[],
  decisions: readonly Decision[],
  actor: RunTrigger['actor'],
): readonly Approval[] {
  if (!decisions.some(forbidsActor)) return answers;
  return answers.filter(
    ({ decision, provider, account, principal: login }) =>
      decision === 'deny' || !isSame(actor, { provider, account, login }),
  );
}

/** GitHub's logins differ in more than case. */
export function isSame(
  actor: RunTrigger['actor'],
  person: { readonly provider: string; readonly account: string; readonly login: string },
): boolean {
  if (actor.provider !== person.provider) return false;
  if (actor.account !== undefined) return actor.account === person.account;
  const { login } = person;
  return actor.provider === 'github' ? actor.id.toLowerCase() === login.toLowerCase() : actor.id === login;
}
