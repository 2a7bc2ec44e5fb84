import { setImmediate } from 'node:timers/promises';
import type { PolicyEngine } from '../policy/evaluate.ts';
import { signatureOf } from '../provenance/envelope.ts';
import type { IssuerFact } from '../provenance/facts.ts';
import { buildReceipt } from '../provenance/receipt.ts';
import type { Signer } from '../provenance/signer.ts';
import { loadApprovals } from '../store/approvals.ts';
import type { Database } from '../store/database.ts';
import { loadDecisions } from '../store/decisions.ts';
import { claimOutbox, clearOutbox } from '../store/outbox.ts';
import { type StoredReceipt, saveReceipts } from '../store/receipts.ts';
import { loadRuns, loadSteps } from '../store/run-rows.ts';
import type { Scope } from '../store/scope.ts';
import { addEvents } from '../store/settlements.ts';
import type { Hub } from './hub.ts';
import type { RunEntries } from './run-entry.ts';
import { type ClosedRun, runFacts } from './run-facts.ts';

const BATCH_MAX = 32;
/** Receipts of a burst are made together. */
const SOON_MS = 50;
const GIVE_WAY_MS = 1000;
/** A signer that dies loses its claim after this long. */
const CLAIM_MS = 30_000;

export interface SealerTools {
  readonly db: Database;
  readonly hub: Hub;
  readonly entries: RunEntries;
  readonly policy: PolicyEngine;
  readonly signer: Signer;
  readonly issuer: IssuerFact;
  /** Whether the conductor has more to do than it can do at once. */
  readonly isBusy: () => boolean;
  readonly scope: () => Scope;
  readonly onError: (error: unknown) => void;
}

/**
 * Builds and signs the receipts of runs that are over, from rows that no longer change. What is to be sealed stands in
 * the outbox since the transaction that ended the run, so a crash delays a receipt and never loses one.
 */
export class Sealer {
  readonly #tools: SealerTools;
  #running: Promise<void> | undefined;
  #isAgain = false;
  readonly #failures = new Map<number, unknown>();
  #soon: NodeJS.Timeout | undefined;

  constructor(tools: SealerTools) {
    this.#tools = tools;
  }

  /** Runs have ended: seals them soon, many at once, when the conductor has a moment. */
  wakeSoon(onError: (error: unknown) => void): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.seal().catch(onError);
    }, SOON_MS).unref();
  }

  /** Seals what is due. Calls while it works make it look once more. */
  seal(): Promise<void> {
    if (this.#running) this.#isAgain = true;
    else this.#running = this.#work();
    return this.#running;
  }

  /** Why the receipt of a run could not be made here, the last time that it was tried. */
  failureOf(run: number): unknown {
    return this.#failures.get(run);
  }

  close(): void {
    clearTimeout(this.#soon);
  }

  async #work(): Promise<void> {
    try {
      do {
        this.#isAgain = false;
        await this.#giveWay();
        while ((await this.#sealBatch()) === BATCH_MAX);
      } while (this.#isAgain);
    } finally {
      // In the same turn as the last look: a call after it begins anew.
      this.#running = undefined;
    }
  }

  /** Steps come first: while outcomes keep coming in, receipts wait, but not for ever. */
  async #giveWay(): Promise<void> {
    for (let waitedMs = 0; this.#tools.isBusy() && waitedMs < GIVE_WAY_MS; waitedMs += SOON_MS) {
      await new Promise((resolve) => setTimeout(resolve, SOON_MS));
    }
  }

  async #sealBatch(): Promise<number> {
    const { db, hub, onError } = this.#tools;
    const claimed = await claimOutbox(db, this.#tools.scope(), 'seal', BATCH_MAX, CLAIM_MS);
    if (claimed.length === 0) return 0;
    const receipts: StoredReceipt[] = [];
    for (const closed of await this.#load(claimed.map((item) => item.run))) {
      // One receipt at a time: whatever waits for the event loop goes between them. One that cannot be made keeps its
      // place in the outbox, and nobody else's.
      await setImmediate();
      try {
        receipts.push(await this.#seal(closed));
        this.#failures.delete(closed.row.id);
      } catch (error) {
        this.#failures.set(closed.row.id, error);
        onError(error);
      }
    }
    await this.#save(receipts);
    hub.tell('changed');
    return claimed.length;
  }

  async #save(receipts: readonly StoredReceipt[]): Promise<void> {
    if (receipts.length === 0) return;
    await this.#tools.db.transaction(async (session) => {
      await saveReceipts(session, receipts);
      await addEvents(
        session,
        receipts.map((receipt) => ({
          run: receipt.run,
          idx: null,
          type: 'receipt.signed',
          attempt: null,
          data: { payloadSha256: receipt.payloadSha256 },
        })),
      );
      await clearOutbox(
        session,
        'seal',
        receipts.map((receipt) => receipt.run),
      );
    });
  }

  async #load(runs: readonly number[]): Promise<readonly ClosedRun[]> {
    const { db, entries } = this.#tools;
    await entries.load(db, runs);
    const [rows, steps, approvals] = [
      await loadRuns(db, runs),
      await loadSteps(db, runs),
      await loadApprovals(db, runs),
    ];
    const ids = [...rows, ...steps].flatMap((row) => row.decisionId ?? []);
    const decisions = await loadDecisions(db, [...new Set(ids)]);
    const stepsOf = Map.groupBy(steps, (step) => step.run);
    const approvalsOf = Map.groupBy(approvals, (approval) => approval.run);
    return rows.flatMap((row) => {
      const entry = entries.get(row.id);
      if (!entry) return [];
      const own = stepsOf.get(row.id) ?? [];
      const used = [row, ...own].flatMap(({ decisionId }) => {
        const decision = decisionId === null ? undefined : decisions.get(decisionId);
        return decision ? [[decision.id, decision] as const] : [];
      });
      return [
        {
          row,
          steps: own,
          compiled: entry.compiled,
          decisions: new Map(used),
          approvals: approvalsOf.get(row.id) ?? [],
        },
      ];
    });
  }

  async #seal(closed: ClosedRun): Promise<StoredReceipt> {
    const { policy, signer, issuer } = this.#tools;
    const { payload, payloadSha256 } = buildReceipt(runFacts(closed, issuer, policy.entrypoint));
    const signature = await signatureOf(payload, signer);
    return { run: closed.row.id, payloadSha256, payload, signature, publicKey: signer.publicKeyPem };
  }
}
