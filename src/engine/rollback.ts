import type { Digest } from '../base/digest.ts';
import type { PromotionFindings } from '../protocol/promotion-facts.ts';
import type { Session } from '../store/database.ts';
import type { KnownDeployment } from '../store/deployments.ts';
import { wasPromoted } from '../store/promotions.ts';
import type { RunWork } from './run-work.ts';

export interface Rollback {
  /** Exactly this was in the environment before: it comes back without soak time, checks and freeze windows. */
  readonly isRollback: boolean;
  /** The same plan brought it there, so people have seen all that comes back. Another one may do anything else beside it. */
  readonly isSeen: boolean;
}

/**
 * Whether something comes back to an environment: what the store knows to have been there, or, where others deploy behind the
 * gate, the commit that it opened for in a run of the same plan and that GitHub says was there.
 */
export async function rollbackOf(
  session: Session,
  work: RunWork,
  what: { readonly environment: string; readonly artifacts: readonly Digest[]; readonly commit: string | null },
  known: readonly KnownDeployment[],
  findings: PromotionFindings,
): Promise<Rollback> {
  const { environment, artifacts, commit } = what;
  const before = known.filter((one) => one.environment === environment && one.isExact);
  if (before.some(({ isSamePlan }) => isSamePlan)) return { isRollback: true, isSeen: true };
  const isDeployed = artifacts.length === 0 && findings.deployments.some((one) => one.environment === environment);
  if (isDeployed && commit !== null) {
    const promoted = { planDigest: work.entry.compiled.digest, environment, commit };
    if (await wasPromoted(session, work.row.namespaceId, promoted)) return { isRollback: true, isSeen: true };
  }
  return { isRollback: before.length > 0, isSeen: false };
}
