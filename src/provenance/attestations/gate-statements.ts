import { type Digest, hexOf } from '../../base/digest.ts';
import type { JsonObject } from '../../base/json.ts';
import type { IssuerFact } from '../facts.ts';
import { SUBJECTS_MAX } from '../receipt.ts';
import { type ArtifactPapers, type GateVerdict, releasable } from '../release-gate.ts';
import { RUN_RECORD_NAME } from '../run-record.ts';
import { type AttestedContent, type SignableStatement, statementOf } from './statement.ts';

/** Names the rules of `release-gate.ts`: another version of them is another verifier. */
const VERIFIER_PATH = '/release-gate/v1';
const POLICY_URI = 'https://maestro-conductor.dev/policies/release-gate/v1';
const SLSA_VERSION = '1.1';

/** Of the run that the gate was about. */
export interface GatedRun {
  /** Of `run.json`: what a verdict is about where the run left nothing. */
  readonly recordDigest: Digest;
  /** What is released: a purl, or the URI of the source. */
  readonly resourceUri: string;
  /** Policy packs under which the run was decided. */
  readonly packDigests: readonly Digest[];
  /** RFC 3339: the end of the run, so that the same run has the same statements whenever they are made. */
  readonly finishedOn: string;
  readonly issuer: IssuerFact;
}

/**
 * What the gate found, twice: as a simple verification result, which says what holds and nothing of what does not, and as a SLSA
 * verification summary. Both are about what may be released; where nothing may, about what has papers, else the run itself.
 */
export function gateStatements(
  verdict: GateVerdict,
  run: GatedRun,
): { readonly result: SignableStatement; readonly summary: SignableStatement } {
  const subjects = subjectsOf(verdict).slice(0, SUBJECTS_MAX);
  const contents: readonly AttestedContent[] =
    subjects.length > 0 ? uniquelyNamed(subjects) : [{ name: RUN_RECORD_NAME, digest: run.recordDigest }];
  return {
    result: statementOf('gate-result', contents, resultPredicate(verdict, subjects, run)),
    summary: statementOf('verification-summary', contents, summaryPredicate(verdict, subjects, run)),
  };
}

/** A step may leave two files under one name, as of two platforms: each is told apart by its digest then. */
function uniquelyNamed(subjects: readonly ArtifactPapers[]): readonly AttestedContent[] {
  const counts = new Map<string, number>();
  for (const { name } of subjects) counts.set(name, (counts.get(name) ?? 0) + 1);
  return subjects.map(({ name, digest }) => ({
    name: counts.get(name) === 1 ? name : `${name}@${hexOf(digest)}`,
    digest,
  }));
}

/** The URI by which consumers name the gate as a verifier. */
export function gateVerifierId({ builderId }: IssuerFact): string {
  return `${builderId}${VERIFIER_PATH}`;
}

function subjectsOf(verdict: GateVerdict): readonly ArtifactPapers[] {
  return verdict.isPassed ? releasable(verdict) : verdict.artifacts.filter((one) => one.attestations.length > 0);
}

/** @source https://github.com/in-toto/attestation/blob/main/spec/predicates/svr.md, version 0.2 */
function resultPredicate(verdict: GateVerdict, subjects: readonly ArtifactPapers[], run: GatedRun): JsonObject {
  const policies = [{ uri: POLICY_URI }, ...run.packDigests.map((digest) => ({ digest: { sha256: hexOf(digest) } }))];
  return {
    verifier: { id: gateVerifierId(run.issuer), policies },
    timeCreated: run.finishedOn,
    properties: propertiesOf(verdict, subjects),
  };
}

const PROPERTIES = {
  MAESTRO_SBOM: 'sbom',
  MAESTRO_PROVENANCE: 'provenance',
  MAESTRO_RISK_ASSESSMENT: 'riskAssessment',
} as const;

/** What holds of every subject. */
function propertiesOf({ isPassed }: GateVerdict, subjects: readonly ArtifactPapers[]): readonly string[] {
  const held = Object.entries(PROPERTIES).flatMap(([property, paper]) =>
    subjects.length > 0 && subjects.every((one) => one[paper].length > 0) ? [property] : [],
  );
  return isPassed ? ['MAESTRO_RELEASE_GATE', ...held] : held;
}

/**
 * The level is the one that the place of the signing key allows: 1 where steps could reach it, 2 where the control plane alone
 * holds it. Level 3 also wants builds that are kept apart from each other, which nobody has shown here: it is never claimed.
 * @source https://slsa.dev/spec/v1.1/verification_summary
 */
function summaryPredicate(verdict: GateVerdict, subjects: readonly ArtifactPapers[], run: GatedRun): JsonObject {
  const { issuer, finishedOn, resourceUri } = run;
  const inputs = [...new Set(subjects.flatMap((one) => one.attestations))].sort();
  return {
    verifier: { id: gateVerifierId(issuer), version: { maestro: issuer.version } },
    timeVerified: finishedOn,
    resourceUri,
    policy: { uri: POLICY_URI },
    inputAttestations: inputs.map((sha256) => ({ uri: `urn:sha256:${sha256}`, digest: { sha256 } })),
    verificationResult: verdict.isPassed ? 'PASSED' : 'FAILED',
    verifiedLevels: verdict.isPassed ? [levelOf(issuer)] : [],
    slsaVersion: SLSA_VERSION,
  };
}

function levelOf({ keyReachableBySteps }: IssuerFact): string {
  return keyReachableBySteps ? 'SLSA_BUILD_LEVEL_1' : 'SLSA_BUILD_LEVEL_2';
}
