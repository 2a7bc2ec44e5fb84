import type { RunAttestation } from '../protocol/attestation.ts';
import type { RunReceipt } from '../protocol/client.ts';
import type { ReleaseGateView } from '../protocol/release.ts';
import type { GateSummary, ReleaseGate } from '../protocol/release-evidence.ts';
import { kindOfPredicate } from '../provenance/attestations/predicate-types.ts';
import { envelopeIn } from '../provenance/envelope.ts';
import type { OutputRecord } from '../provenance/receipt.ts';
import { VerificationError } from '../provenance/verification-error.ts';
import { verifyReceipt } from '../provenance/verify.ts';

/** Runs of such pipelines are judged by what is signed about what they made, and so are runs about which something is. */
export const RELEASE_PURPOSE = 'release';

const CONTRADICTION = 'the verdict that was signed when the run ended is another one: it did not pass then';
const PAPERS = { sbom: 'SBOM', provenance: 'Provenance', riskAssessment: 'Assessment of the risk' } as const;

/** What the receipt alone says: whether the run succeeded, and whether that holds. */
export function receiptGate(runId: string, status: string, receipt: RunReceipt): ReleaseGate {
  const fault = faultOf(runId, receipt);
  const isGreen = status === 'succeeded';
  return {
    isPassed: isGreen && fault === undefined,
    reasons: [...(isGreen ? [] : [`the run ${status}`]), ...(fault === undefined ? [] : [fault])],
    papers: [
      { name: receiptName(runId), isVerified: fault === undefined },
      ...Object.values(PAPERS).map((name) => ({ name, isVerified: false })),
    ],
  };
}

/** What the release gate found, of a run whose receipt holds. @param attestations the gate's own ones among them */
export function statementGate(
  runId: string,
  { isPassed, reasons, artifacts }: ReleaseGateView,
  attestations: readonly RunAttestation[],
): ReleaseGate {
  const stored = attestations.find(({ predicateType }) => kindOfPredicate(predicateType) === 'verification-summary');
  const papers = Object.entries(PAPERS).map(([paper, name]) => ({
    name,
    isVerified: artifacts.some((one) => one[paper as keyof typeof PAPERS].length > 0),
  }));
  const summary = stored && summaryOf(stored);
  const isSigned = summary?.result === 'PASSED';
  const told = reasons.map(({ code, message }) => `${code}: ${message}`);
  return {
    // What hangs on the page must not speak against the page.
    isPassed: isPassed && isSigned,
    reasons: isPassed && !isSigned ? [CONTRADICTION] : told,
    papers: [{ name: receiptName(runId), isVerified: true }, ...papers],
    ...(isPassed && isSigned ? { summary: summary.told } : {}),
  };
}

function receiptName(runId: string): string {
  return `Receipt of run ${runId}`;
}

/** Of a statement that this Maestro signed itself. */
function summaryOf({ bundle, subjects }: RunAttestation): { readonly told: GateSummary; readonly result: string } {
  const { payload } = JSON.parse(envelopeIn(bundle)) as { readonly payload: string };
  const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString()) as { readonly predicate: Summary };
  const told = {
    verifierId: predicate.verifier.id,
    resourceUri: predicate.resourceUri,
    level: predicate.verifiedLevels[0] ?? '',
    subject: subjects[0] ?? 'sha256:',
  } as const;
  return { told, result: predicate.verificationResult };
}

interface Summary {
  readonly verifier: { readonly id: string };
  readonly resourceUri: string;
  readonly verifiedLevels: readonly string[];
  readonly verificationResult: string;
}

function faultOf(runId: string, receipt: RunReceipt): string | undefined {
  try {
    outputsOf(runId, receipt);
    return undefined;
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    return `the receipt does not hold: ${error.code}`;
  }
}

/** What the run made, by its receipt. @throws VerificationError */
export function outputsOf(runId: string, { bundle, publicKey, runRecord }: RunReceipt): readonly OutputRecord[] {
  const verified = verifyReceipt({
    bundle: Buffer.from(bundle),
    key: publicKey,
    runRecord: Buffer.from(runRecord),
    expected: { runId },
  });
  return verified.statement.predicate.outputs;
}
