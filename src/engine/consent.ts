import { type Approval, loadApprovals } from '../store/approvals.ts';
import type { Session } from '../store/database.ts';
import { loadDecisions } from '../store/decisions.ts';
import type { RunRow } from '../store/run-rows.ts';
import { WHOLE_RUN } from '../store/timers.ts';

/** Whether policy asked about the run itself and nobody has let it begin. In a group it may wait for its turn all the same. */
export async function isConsentWanted(
  session: Session,
  { id, status, decisionId }: Pick<RunRow, 'id' | 'status' | 'decisionId'>,
): Promise<boolean> {
  if (status !== 'queued' || decisionId === null) return false;
  const stored = (await loadDecisions(session, [decisionId])).get(decisionId);
  return stored?.decision.verdict === 'ask' && !(await loadApprovals(session, [id])).some(isConsent);
}

function isConsent({ idx, decision }: Approval): boolean {
  return idx === WHOLE_RUN && decision === 'approve';
}
