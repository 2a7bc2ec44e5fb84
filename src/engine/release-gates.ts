import { digestJson } from '../base/digest.ts';
import { isMaestroError, MaestroError, messageOf } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import type { RunAttestation } from '../protocol/attestation.ts';
import type { ReleaseGateView } from '../protocol/release.ts';
import { gateStatements } from '../provenance/attestations/gate-statements.ts';
import { kindOfPredicate, PREDICATE_TYPES } from '../provenance/attestations/predicate-types.ts';
import type { SignableStatement } from '../provenance/attestations/statement.ts';
import { signatureOf } from '../provenance/envelope.ts';
import { type GateVerdict, judgeRelease } from '../provenance/release-gate.ts';
import { releaseManifest } from '../provenance/release-manifest.ts';
import { type VerifiedReceipt, verifyReceipt } from '../provenance/verify.ts';
import {
  addOwnAttestations,
  loadAttestations,
  type NewAttestation,
  type StoredAttestation,
} from '../store/attestations.ts';
import { claimOutbox, clearOutbox } from '../store/outbox.ts';
import { findReleasePack } from '../store/release-packs.ts';
import type { Scope } from '../store/scope.ts';
import type { Attester } from './attestation-desk.ts';
import type { EngineOptions } from './engine-options.ts';
import { gatedRun, gateQuestion, runLink } from './gate-question.ts';
import type { Queries } from './queries.ts';

const BATCH_MAX = 8;
const CLAIM_MS = 60_000;
const CLAIM_MS_MAX = 3_600_000;
const FAILURES_KEPT = 1000;

type GateOptions = Attester & Pick<EngineOptions, 'db' | 'readTrustedKeys' | 'onError'>;

/**
 * Judges what runs made, from their signed receipts and statements alone, and signs what came of it. Which runs are to be judged
 * stands in the outbox since the transaction that stored the receipt: a crash delays a verdict and never loses one, and the same
 * rows give the same statements.
 */
export class ReleaseGates {
  readonly #tools: GateOptions & { readonly queries: Queries; readonly scope: () => Scope };
  #running: Promise<void> | undefined;
  readonly #failures = new Set<number>();

  constructor(options: GateOptions, queries: Queries, scope: () => Scope) {
    const { db, signer, issuer, readTrustedKeys, onError } = options;
    this.#tools = { db, signer, issuer, readTrustedKeys, onError, queries, scope };
  }

  /** Signed statements about what a run made, in the order in which they were signed; also while it goes on. */
  readAttestations(run: number): Promise<readonly RunAttestation[]> {
    return this.#tools.queries.readAttestations(run);
  }

  /** Signs the verdicts that are due. */
  sign(): Promise<void> {
    this.#running ??= this.#signAll().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** @throws RUN_NOT_FINISHED, RECEIPT_NOT_READY */
  async readGate(run: number): Promise<ReleaseGateView> {
    const { receipt, verdict, attestations } = await this.#judge(run);
    const own = attestations.filter(isOwnStatement).map(({ payloadSha256 }) => payloadSha256);
    return { run: receipt.statement.predicate.run.id, ...verdict, statements: own };
  }

  /** What a run made with what is proven of it: `ReleaseManifest`. @throws RUN_NOT_FINISHED, RECEIPT_NOT_READY */
  async readManifest(run: number): Promise<JsonObject> {
    const { receipt, verdict } = await this.#judge(run);
    const { purpose = null } = await this.#tools.queries.readPlan(run);
    const link = runLink(receipt, purpose, await this.#tools.queries.readTrigger(run));
    const pack = await findReleasePack(this.#tools.db, run);
    return releaseManifest(link, verdict, pack?.digest ?? null) as unknown as JsonObject;
  }

  async #signAll(): Promise<void> {
    const { db, scope } = this.#tools;
    for (;;) {
      const claimed = await claimOutbox(db, scope(), 'gate', BATCH_MAX, CLAIM_MS, CLAIM_MS_MAX);
      for (const { run } of claimed) await this.#signOne(run).catch((error: unknown) => this.#fail(run, error));
      if (claimed.length < BATCH_MAX) return;
    }
  }

  async #signOne(run: number): Promise<void> {
    const { db, issuer } = this.#tools;
    const { receipt, verdict } = await this.#judge(run);
    const { result, summary } = gateStatements(verdict, gatedRun(receipt, issuer));
    const attestations = [
      await this.#attestation(run, 'gate-result', result),
      await this.#attestation(run, 'verification-summary', summary),
    ];
    await db.transaction(async (session) => {
      await addOwnAttestations(session, attestations);
      await clearOutbox(session, 'gate', [run]);
    });
    this.#failures.delete(run);
  }

  async #attestation(
    run: number,
    kind: 'gate-result' | 'verification-summary',
    { payload, payloadSha256 }: SignableStatement,
  ): Promise<NewAttestation> {
    const { signer } = this.#tools;
    const { subject } = JSON.parse(payload) as { subject: readonly { digest: { sha256: string } }[] };
    return {
      run,
      asked: digestJson({ kind }),
      predicateType: PREDICATE_TYPES[kind],
      subjects: subject.map(({ digest }) => `sha256:${digest.sha256}` as const),
      payload,
      payloadSha256,
      signature: await signatureOf(payload, signer),
      publicKey: signer.publicKeyPem,
    };
  }

  /**
   * Statements may be signed with the key of the run's receipt, which readers hold to their own, with the present one, or with another that
   * is known to be this Maestro's: keys are replaced while runs go on, a retry keeps what an older one signed, and each conductor may
   * have its own. What is known of a key counts: that it was revoked, or when it was in force.
   */
  async #judge(run: number): Promise<{
    readonly receipt: VerifiedReceipt;
    readonly verdict: GateVerdict;
    readonly attestations: readonly StoredAttestation[];
  }> {
    const { db, queries, signer, readTrustedKeys } = this.#tools;
    const { bundle, publicKey, runRecord } = await queries.readReceipt(run);
    const receipt = verifyReceipt({ bundle: Buffer.from(bundle), key: publicKey, runRecord: Buffer.from(runRecord) });
    const attestations = await loadAttestations(db, run);
    const own = [publicKey, signer.publicKeyPem].map((publicKeyPem) => ({ publicKeyPem }));
    const keys = [...own, ...(await readTrustedKeys())];
    return { receipt, verdict: judgeRelease(gateQuestion(receipt.statement, attestations, keys)), attestations };
  }

  /** Told once: it is tried again, ever more seldom. */
  #fail(run: number, error: unknown): void {
    if (this.#failures.has(run)) return;
    if (this.#failures.size >= FAILURES_KEPT) this.#failures.clear();
    this.#failures.add(run);
    const code = isMaestroError(error) ? error.code : 'UNAVAILABLE';
    const message = `the release gate of run number ${run} cannot be signed (${messageOf(error)}): it is tried again`;
    this.#tools.onError(new MaestroError(code, message, { cause: error }));
  }
}

/** What the gate itself said. */
export function isOwnStatement({ predicateType }: Pick<StoredAttestation, 'predicateType'>): boolean {
  const kind = kindOfPredicate(predicateType);
  return kind === 'gate-result' || kind === 'verification-summary';
}
