import type { ActionInput } from '../policy/input.ts';
import type { DecisionView } from '../protocol/run.ts';
import type { Database } from '../store/database.ts';
import type { NamespacePolicy } from './policies.ts';
import { decisionView } from './run-view.ts';

/** What policy says to a deed of a person. The decision is kept: who was refused what is to be seen later. */
export async function mayAct(
  db: Database,
  { inForce }: NamespacePolicy,
  action: ActionInput['action'],
): Promise<DecisionView> {
  const input: ActionInput = { phase: 'action', step: null, action };
  const decision = inForce.policy.evaluate(input);
  await inForce.decisionIds.resolve(db, [{ decision, input: () => input }]);
  return decisionView(decision);
}
