import type { Decision } from '../policy/decision.ts';
import type { PolicyInput } from '../policy/input.ts';
import type { RunTrigger } from '../protocol/client.ts';
import type { Approval } from '../store/approvals.ts';
import type { Session } from '../store/database.ts';
import { loadDecisionInputs } from '../store/decision-inputs.ts';
import { loadDecisions } from '../store/decisions.ts';
import { forbidsActor } from './obligations.ts';
import type { RunWork } from './run-work.ts';

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

/**
 * Of the answers to a step, those that count today. Whoever was let answer under an older policy is judged again by the one that
 * is in force: they may be no reviewer any more, or have become the author of what they may not approve.
 */
export async function countableNow(
  session: Session,
  { pack, row }: Pick<RunWork, 'pack' | 'row'>,
  answers: readonly Approval[],
  decisions: readonly Decision[],
): Promise<readonly Approval[]> {
  const own = countable(answers, decisions, row.trigger.actor);
  const ids = own.flatMap(({ decisionId }) => decisionId ?? []);
  if (ids.length === 0) return own;
  const known = await loadDecisions(session, ids);
  const older = ids.filter((id) => known.get(id)?.decision.packDigest !== pack.policy.packDigest);
  if (older.length === 0) return own;
  const inputs = await loadDecisionInputs(session, older);
  const isRefused = ({ decision, decisionId }: Approval): boolean => {
    const input = decision === 'approve' && decisionId !== null ? inputs.get(decisionId) : undefined;
    return input !== undefined && pack.policy.evaluate(input as unknown as PolicyInput).verdict !== 'allow';
  };
  return own.filter((one) => !isRefused(one));
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
