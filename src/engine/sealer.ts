import { setImmediate } from 'node:timers/promises';
import { isMaestroError, MaestroError, messageOf } from '../base/errors.ts';
import { signatureOf } from '../provenance/envelope.ts';
import type { IssuerFact } from '../provenance/facts.ts';
import type { Receipt } from '../provenance/receipt.ts';
import type { Signer } from '../provenance/signer.ts';
import { attestedRuns } from '../store/attestations.ts';
import type { Database } from '../store/database.ts';
import { addDeployments, type NewDeployment } from '../store/deployments.ts';
import { claimOutbox, clearOutbox, postGates, postponeOutbox } from '../store/outbox.ts';
import { type StoredReceipt, saveReceipts } from '../store/receipts.ts';
import type { RunRow } from '../store/run-rows.ts';
import type { Scope } from '../store/scope.ts';
import { addEvents } from '../store/settlements.ts';
import { byWeight } from './by-weight.ts';
import { loadClosedRuns } from './closed-runs.ts';
import { deploymentsOf } from './deployments-of.ts';
import type { Hub } from './hub.ts';
import { receiptOf } from './receipt-words.ts';
import { RELEASE_PURPOSE } from './release-verdict.ts';
import type { RunEntries } from './run-entry.ts';
import { type ClosedRun, runFacts } from './run-facts.ts';

const BATCH_MAX = 32;
/** Receipts of a burst are made together. */
const SOON_MS = 50;
const GIVE_WAY_MS = 1000;
/** Signatures that are waited for at once: a key service is some 50 ms away, and takes many calls. */
const SIGNATURES_MAX = 16;
/** A signer that dies loses its claim after this long; each time that one dies, or fails, after twice as long. */
const CLAIM_MS = 30_000;
const CLAIM_MS_MAX = 600_000;
/** Rows do not change any more: what cannot be made of them is tried again for the sake of a newer version alone. */
const HOPELESS_MS = 86_400_000;
const FAILURES_KEPT = 1000;
/** The purpose, as a pipeline states it, of runs whose results are to be released. */

export interface SealerTools {
  readonly db: Database;
  readonly hub: Hub;
  readonly entries: RunEntries;
  /** The rule that answers, as receipts name it. */
  readonly entrypoint: string;
  readonly signer: Signer;
  readonly issuer: IssuerFact;
  /** Whether the conductor has more to do than it can do at once. */
  readonly isBusy: () => boolean;
  readonly scope: () => Scope;
  /** Receipts are stored: what closes their runs in the register waits. */
  readonly onSealed: () => void;
  /** All that was due is sealed: what is judged by receipts may go on. */
  readonly onDone: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** What is stored together for one run. */
interface Sealed {
  readonly receipt: StoredReceipt;
  readonly deployments: readonly NewDeployment[];
  /** Whether what the run made is to be released. */
  readonly isRelease: boolean;
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
        await this.#tools.onDone();
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
    const { db, hub } = this.#tools;
    const claimed = await claimOutbox(db, this.#tools.scope(), 'seal', BATCH_MAX, CLAIM_MS, CLAIM_MS_MAX);
    if (claimed.length === 0) return 0;
    for (const part of await byWeight(db, claimed)) {
      await this.#sealPart(part.map((item) => item.run));
      hub.tell('changed');
    }
    return claimed.length;
  }

  async #sealPart(runs: readonly number[]): Promise<void> {
    const signing = new Set<Promise<void>>();
    const sealed: Sealed[] = [];
    for (const closed of await this.#load(runs)) {
      // One receipt at a time: whatever waits for the event loop goes between them. One that cannot be made keeps its
      // place in the outbox, and nobody else's.
      await setImmediate();
      const receipt = await this.#buildOrFail(closed);
      if (!receipt) continue;
      if (signing.size === SIGNATURES_MAX) await Promise.race(signing);
      const signed = this.#signOrFail(closed, receipt, sealed).finally(() => signing.delete(signed));
      signing.add(signed);
    }
    await Promise.all(signing);
    await this.#save(sealed);
  }

  async #buildOrFail(closed: ClosedRun): Promise<Receipt | undefined> {
    try {
      return this.#build(closed);
    } catch (error) {
      await this.#fail(closed.row, error, true);
      return undefined;
    }
  }

  async #signOrFail(closed: ClosedRun, built: Receipt, sealed: Sealed[]): Promise<void> {
    const { row } = closed;
    try {
      const receipt = await this.#sign(row.id, built);
      this.#failures.delete(row.id);
      sealed.push({
        receipt,
        deployments: deploymentsOf(closed, receipt.payloadSha256),
        isRelease: closed.compiled.plan.purpose === RELEASE_PURPOSE,
      });
    } catch (error) {
      await this.#fail(row, error, false);
    }
  }

  /** Told once: the same run fails again, ever more seldom, until somebody has mended what is wrong. */
  async #fail({ id, key }: RunRow, error: unknown, isHopeless: boolean): Promise<void> {
    if (isHopeless) await postponeOutbox(this.#tools.db, 'seal', id, HOPELESS_MS);
    const isKnown = this.#failures.has(id);
    this.#failures.set(id, error);
    if (this.#failures.size > FAILURES_KEPT) this.#failures.delete(this.#failures.keys().next().value as number);
    if (isKnown) return;
    const code = isMaestroError(error) ? error.code : 'UNAVAILABLE';
    const next = isHopeless ? 'it is tried again once a day' : 'it is tried again';
    const message = `run ${key} has ended, but its receipt cannot be made (${messageOf(error)}): ${next}`;
    this.#tools.onError(new MaestroError(code, message, { cause: error }));
  }

  async #save(sealed: readonly Sealed[]): Promise<void> {
    if (sealed.length === 0) return;
    // Signatures come in any order; rows are written in one.
    const inOrder = sealed.toSorted((a, b) => a.receipt.run - b.receipt.run);
    const receipts = inOrder.map(({ receipt }) => receipt);
    const deployments = inOrder.flatMap((one) => one.deployments);
    const runs = receipts.map((receipt) => receipt.run);
    const releases = inOrder.filter((one) => one.isRelease).map(({ receipt }) => receipt.run);
    await this.#tools.db.transaction(async (session) => {
      await saveReceipts(session, receipts);
      await addDeployments(session, deployments);
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
      // What is no release, but has statements, is judged as well.
      await postGates(session, [...new Set([...releases, ...(await attestedRuns(session, runs))])]);
    });
    this.#tools.onSealed();
  }

  async #load(runs: readonly number[]): Promise<readonly ClosedRun[]> {
    const { db, entries } = this.#tools;
    await entries.load(db, runs);
    return (await loadClosedRuns(db, runs)).flatMap((facts) => {
      const entry = entries.get(facts.row.id);
      return entry ? [{ ...facts, compiled: entry.compiled }] : [];
    });
  }

  #build(closed: ClosedRun): Receipt {
    const { entrypoint, issuer } = this.#tools;
    return receiptOf(runFacts(closed, issuer, entrypoint));
  }

  async #sign(run: number, { payload, payloadSha256 }: Receipt): Promise<StoredReceipt> {
    const { signer } = this.#tools;
    const signature = await signatureOf(payload, signer);
    return { run, payloadSha256, payload, signature, publicKey: signer.publicKeyPem };
  }
}
