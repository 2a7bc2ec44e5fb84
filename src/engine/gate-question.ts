import { type Digest, digestBytes } from '../base/digest.ts';
import { isJsonObject } from '../base/json.ts';
import type { RunTrigger } from '../protocol/client.ts';
import type { GatedRun } from '../provenance/attestations/gate-statements.ts';
import type { IssuerFact } from '../provenance/facts.ts';
import type { ReceiptPredicate } from '../provenance/receipt.ts';
import { subjectName } from '../provenance/receipt.ts';
import type { GateQuestion } from '../provenance/release-gate.ts';
import type { EntityLink, RunRecordLink } from '../provenance/release-manifest.ts';
import type { TrustedKey, VerifiedReceipt } from '../provenance/verify.ts';
import type { StoredAttestation } from '../store/attestations.ts';
import { bundleText } from './attestation-desk.ts';

/** What the gate is asked of a run, in the words of its verified receipt. @param keys that its own statements may be signed with */
export function gateQuestion(
  { predicate }: VerifiedReceipt['statement'],
  attestations: readonly StoredAttestation[],
  keys: readonly TrustedKey[],
): GateQuestion {
  const { run, outputs, steps, issuer } = predicate;
  return {
    runIds: [run.id, ...new Set(steps.flatMap(({ carriedFrom }) => carriedFrom ?? []))],
    hasSucceeded: run.status === 'succeeded',
    artifacts: outputs.map((output) => ({ name: subjectName(output), digest: output.digest })),
    attestations: attestations.map((one) => ({ bundle: bundleText(one), predicateType: one.predicateType })),
    keys,
    finishedOn: run.finishedOn,
    builderId: issuer.builderId,
  };
}

/** The run as the statements of the gate name it. */
export function gatedRun({ statement, runRecord }: VerifiedReceipt, issuer: IssuerFact): GatedRun {
  const { run } = statement.predicate;
  return {
    recordDigest: digestBytes(runRecord),
    resourceUri: run.source.uri || `urn:maestro:run:${run.id}`,
    packDigests: packsOf(statement.predicate),
    finishedOn: run.finishedOn,
    issuer,
  };
}

function packsOf({ policy }: ReceiptPredicate): readonly Digest[] {
  return [...new Set(policy.map(({ bundle }) => bundle.digest))].sort();
}

/** The run as a manifest names it, with what it belongs to elsewhere. */
export function runLink(
  { statement, payloadSha256 }: VerifiedReceipt,
  purpose: string | null,
  trigger: RunTrigger,
): RunRecordLink {
  const { run, policy, approvals, relations } = statement.predicate;
  return {
    id: run.id,
    attempt: run.attempt,
    pipeline: run.pipeline.name,
    purpose,
    source: run.source,
    status: run.status,
    finishedOn: run.finishedOn,
    receiptSha256: payloadSha256,
    decisions: policy.map(({ id }) => id),
    approvals: approvals.map(({ id }) => id),
    relations: relations.map(({ type, runId }) => ({ type, runId })),
    entities: entitiesOf(trigger),
  };
}

/** What the event that started the run was about, as GitHub links it. */
function entitiesOf({ github }: RunTrigger): readonly EntityLink[] {
  const event = isJsonObject(github.event) ? github.event : {};
  return (['pull_request', 'release', 'issue'] as const).flatMap((type) => {
    const subject = event[type];
    const uri = isJsonObject(subject) ? subject.html_url : undefined;
    return typeof uri === 'string' && URL.canParse(uri) ? [{ type: type.replace('_', '-'), uri }] : [];
  });
}
