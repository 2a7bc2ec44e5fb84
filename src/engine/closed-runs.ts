import { loadApprovals } from '../store/approvals.ts';
import type { Session } from '../store/database.ts';
import { loadDecisions } from '../store/decisions.ts';
import { loadPromotions } from '../store/promotions.ts';
import { loadRuns, loadSteps } from '../store/run-rows.ts';
import { loadSecretReleases } from '../store/secret-releases.ts';
import type { ClosedRun } from './run-facts.ts';

/** Everything that the rows of runs say once they have ended: one query for each kind of row, however many runs there are. */
export async function loadClosedRuns(
  session: Session,
  runs: readonly number[],
): Promise<readonly Omit<ClosedRun, 'compiled'>[]> {
  const rows = await loadRuns(session, runs);
  const steps = await loadSteps(session, runs);
  const approvals = await loadApprovals(session, runs);
  const promotions = await loadPromotions(session, runs);
  const releases = await loadSecretReleases(session, runs);
  const named = [...rows, ...steps, ...approvals, ...promotions, ...releases];
  const decisions = await loadDecisions(session, [...new Set(named.flatMap(({ decisionId }) => decisionId ?? []))]);
  const ofRun = <T extends { readonly run: number }>(all: readonly T[]) => {
    const groups = Map.groupBy(all, ({ run }) => run);
    return (run: number): readonly T[] => groups.get(run) ?? [];
  };
  const [stepsOf, approvalsOf, promotionsOf, releasesOf] = [
    ofRun(steps),
    ofRun(approvals),
    ofRun(promotions),
    ofRun(releases),
  ];
  return rows.map((row) => {
    const own = {
      steps: stepsOf(row.id),
      approvals: approvalsOf(row.id),
      promotions: promotionsOf(row.id),
      releases: releasesOf(row.id),
    };
    const ids = [row, ...own.steps, ...own.approvals, ...own.promotions, ...own.releases];
    const used = ids.flatMap(({ decisionId }) => {
      const decision = decisionId === null ? undefined : decisions.get(decisionId);
      return decision ? [[decision.id, decision] as const] : [];
    });
    return { row, ...own, decisions: new Map(used) };
  });
}
