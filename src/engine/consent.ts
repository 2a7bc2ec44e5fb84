import { type Approval, loadApprovals, tally } from '../store/approvals.ts';
import type { Session } from '../store/database.ts';
import { loadDecisions } from '../store/decisions.ts';
import type { RunRow } from '../store/run-rows.ts';
import { WHOLE_RUN } from '../store/timers.ts';
import { countable } from './countable.ts';
import { approvalsWanted } from './obligations.ts';

/** Whether policy asked about the run itself and not enough people have let it begin. In a group it may wait for its turn all the same. */
export async function isConsentWanted(
  session: Session,
  row: Pick<RunRow, 'id' | 'status' | 'decisionId' | 'trigger'>,
): Promise<boolean> {
  if (row.status !== 'queued' || row.decisionId === null) return false;
  return !(await hasConsent(session, row, await loadApprovals(session, [row.id])));
}

/** Whether as many people as policy wants have agreed to the run, or it did not ask. */
export async function hasConsent(
  session: Session,
  { decisionId, trigger }: Pick<RunRow, 'decisionId' | 'trigger'>,
  answers: readonly Approval[],
): Promise<boolean> {
  const decision =
    decisionId === null ? undefined : (await loadDecisions(session, [decisionId])).get(decisionId)?.decision;
  if (decision?.verdict !== 'ask') return true;
  const own = answers.filter(({ idx }) => idx === WHOLE_RUN);
  const { approvals, denial } = tally(countable(own, [decision], trigger.actor));
  return denial === undefined && approvals >= Math.max(1, approvalsWanted(decision));
}
