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
import { runFacts } from './run-facts.ts';

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
}

/**
 * Builds and signs the receipts of runs that are over, from rows that no longer change. What is to be sealed stands in
 * the outbox since the transaction that ended the run, so a crash delays a receipt and never loses one.
 */
export class Sealer {
  readonly #tools: SealerTools;
  #running: Promise<void> | undefined;
  #isAgain = false;
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
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  close(): void {
    clearTimeout(this.#soon);
  }

  async #work(): Promise<void> {
    do {
      this.#isAgain = false;
      await this.#giveWay();
      while ((await this.#sealBatch()) === BATCH_MAX);
    } while (this.#isAgain);
  }

  /** Steps come first: while outcomes keep coming in, receipts wait, but not for ever. */
  async #giveWay(): Promise<void> {
    for (let waitedMs = 0; this.#tools.isBusy() && waitedMs < GIVE_WAY_MS; waitedMs += SOON_MS) {
      await new Promise((resolve) => setTimeout(resolve, SOON_MS));
    }
  }

  async #sealBatch(): Promise<number> {
    const { db, hub } = this.#tools;
    const claimed = await claimOutbox(db, this.#tools.scope(), 'seal', BATCH_MAX, CLAIM_MS);
    if (claimed.length === 0) return 0;
    const runs = claimed.map((item) => item.run);
    const receipts = await this.#seal(runs);
    await db.transaction(async (session) => {
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
      await clearOutbox(session, 'seal', runs);
    });
    hub.tell('changed');
    return claimed.length;
  }

  async #seal(runs: readonly number[]): Promise<readonly StoredReceipt[]> {
    const { db, entries, policy, signer, issuer } = this.#tools;
    await entries.load(db, runs);
    const [rows, steps, approvals] = [
      await loadRuns(db, runs),
      await loadSteps(db, runs),
      await loadApprovals(db, runs),
    ];
    const decisionIds = [...rows, ...steps].flatMap((row) => row.decisionId ?? []);
    const decisions = await loadDecisions(db, [...new Set(decisionIds)]);
    const stepsOf = Map.groupBy(steps, (step) => step.run);
    const approvalsOf = Map.groupBy(approvals, (approval) => approval.run);
    const receipts: StoredReceipt[] = [];
    for (const row of rows) {
      const entry = entries.get(row.id);
      if (!entry) continue;
      const own = stepsOf.get(row.id) ?? [];
      const used = new Map(
        [row, ...own].flatMap(({ decisionId }) => {
          const decision = decisionId === null ? undefined : decisions.get(decisionId);
          return decision ? [[decision.id, decision] as const] : [];
        }),
      );
      const facts = runFacts(
        { row, steps: own, compiled: entry.compiled, decisions: used, approvals: approvalsOf.get(row.id) ?? [] },
        issuer,
        policy.entrypoint,
      );
      // One receipt at a time: whatever waits for the event loop goes between them.
      await setImmediate();
      const { payload, payloadSha256 } = buildReceipt(facts);
      receipts.push({
        run: row.id,
        payloadSha256,
        payload,
        signature: await signatureOf(payload, signer),
        publicKey: signer.publicKeyPem,
      });
    }
    return receipts;
  }
}
