import { MaestroError, messageOf } from '../base/errors.ts';
import { isFreezeGate } from '../pipeline/gate-kinds.ts';
import { upstreamOf, wantsChecks } from '../policy/environments.ts';
import type { PromotionFindings, PromotionSource } from '../protocol/promotion-facts.ts';
import type { Database } from '../store/database.ts';
import { heldGates } from '../store/held-gates.ts';
import { wasPromoted } from '../store/promotions.ts';
import { loadRuns } from '../store/run-rows.ts';
import { stepAt } from './compiled-plan.ts';
import { stepContexts } from './contexts.ts';
import { environmentOfGate } from './gated-by.ts';
import type { Policies } from './policies.ts';
import { isPromotion } from './promotion-step.ts';
import type { RunEntries } from './run-entry.ts';
import type { Settler } from './settler.ts';

export interface GateKeeperTools {
  readonly db: Database;
  readonly entries: RunEntries;
  readonly policies: Policies;
  readonly settler: Settler;
  /** Undefined where nobody but the store knows anything, as on a laptop. */
  readonly promotions: PromotionSource | undefined;
  readonly onError: (error: unknown) => void;
}

const NOTHING_KNOWN: PromotionFindings = { checks: null, deployments: [] };

/**
 * Has gates of promotions judged: what only others know is asked first, outside of any transaction. A gate that nobody wakes
 * has a timer that does.
 */
export class GateKeeper {
  readonly #tools: GateKeeperTools;
  /** Runs that are being looked at, and whether something happened meanwhile. */
  readonly #busy = new Map<number, { isAgain: boolean }>();

  constructor(tools: GateKeeperTools) {
    this.#tools = tools;
  }

  /** Something may have changed for the gates of a run. */
  wake(run: number): void {
    const busy = this.#busy.get(run);
    if (busy) busy.isAgain = true;
    else void this.#look(run);
  }

  async #look(run: number): Promise<void> {
    const mine = { isAgain: true };
    this.#busy.set(run, mine);
    try {
      while (mine.isAgain) {
        mine.isAgain = false;
        await this.#judge(run);
      }
    } catch (error) {
      // Its timer brings it here again.
      this.#tools.onError(error);
    } finally {
      this.#busy.delete(run);
    }
  }

  async #judge(run: number): Promise<void> {
    const { db, entries, settler } = this.#tools;
    const held = await heldGates(db, run);
    if (held.length === 0) return;
    await entries.load(db, [run]);
    const entry = entries.get(run);
    const gates = held.filter((idx) => entry && isPromotion(stepAt(entry.compiled, idx)));
    for (const idx of gates) {
      // People should see why it waits, also where the reason is that GitHub does not answer.
      const findings = await this.#findings(run, idx).catch((error: unknown) => {
        this.#tools.onError(error);
        return { problem: messageOf(error) };
      });
      if (findings) await settler.settle(run, { type: 'promotion', idx, findings });
    }
  }

  async #findings(run: number, idx: number): Promise<PromotionFindings | undefined> {
    const { db, entries, policies, promotions } = this.#tools;
    const entry = entries.get(run);
    const [row] = await loadRuns(db, [run]);
    const commit = row?.trigger.source.gitCommit ?? null;
    if (!promotions || !entry || !row || commit === null) return NOTHING_KNOWN;
    const contexts = stepContexts(entry.contexts, entry.compiled, idx, () => undefined);
    const step = stepAt(entry.compiled, idx);
    // A freeze is over when the clock says so: GitHub knows nothing of it.
    if (isFreezeGate(step)) return NOTHING_KNOWN;
    const environment = environmentOfGate(step, contexts);
    if (environment === null) return promotions.facts({ runId: row.key, commit, wantsChecks: true, environments: [] });
    const policy = (await policies.load(db, [row.namespaceId])).get(row.namespaceId);
    if (!policy) throw new MaestroError('INTERNAL', `run ${row.key} has no policy`);
    const { data } = policy.inForce.policy;
    const before = { planDigest: entry.compiled.digest, environment, commit };
    const own = (await wasPromoted(db, row.namespaceId, before)) ? [environment] : [];
    return promotions.facts({
      runId: row.key,
      commit,
      wantsChecks: wantsChecks(data, environment),
      environments: [...own, ...upstreamOf(data, environment)],
    });
  }
}
