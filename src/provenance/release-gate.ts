import { type Digest, hexOf } from '../base/digest.ts';
import { kindOfPredicate, type StatementKind } from './attestations/predicate-types.ts';
import { type VerifiedAttestation, verifyTyped } from './attestations/verify-attestation.ts';
import { VerificationError } from './verification-error.ts';
import type { TrustedKey } from './verify.ts';

/** Why a release does not pass. Codes are public; docs/guides/attestations.md explains each. */
export const GATE_CODES = [
  'RUN_NOT_SUCCEEDED',
  'NO_ARTIFACT',
  'SBOM_MISSING',
  'PROVENANCE_MISSING',
  'RISK_MISSING',
  'PAPERS_SPREAD',
  'ATTESTATION_INVALID',
  'ATTESTATION_FOR_OTHER_DIGEST',
] as const;

type GateCode = (typeof GATE_CODES)[number];

export interface GateReason {
  readonly code: GateCode;
  readonly message: string;
}

/** An attestation as it is kept: nothing of it is believed before it is verified. */
export interface KeptAttestation {
  /** Text of the sigstore bundle. */
  readonly bundle: string;
  readonly predicateType: string;
}

export interface GateQuestion {
  /** The run, and those whose results a retry has kept in it: what was built there, their provenance names. */
  readonly runIds: readonly string[];
  readonly hasSucceeded: boolean;
  /** What came out of the run. */
  readonly artifacts: readonly GatedContent[];
  readonly attestations: readonly KeptAttestation[];
  /** The keys that the run's own statements may be signed with; of a key that is there twice, what is said last counts. */
  readonly keys: readonly TrustedKey[];
  /** RFC 3339: when the run ended, for statements that tell no time. */
  readonly finishedOn: string;
  /** Who must have built it. */
  readonly builderId: string;
}

interface GatedContent {
  readonly name: string;
  readonly digest: Digest;
}

/** The papers that a content has: each the identities of verified statements about exactly its digest. */
export interface ArtifactPapers extends GatedContent {
  readonly sbom: readonly string[];
  readonly provenance: readonly string[];
  /** Found weaknesses or what is known of them: either is an assessment of the risk. */
  readonly riskAssessment: readonly string[];
  /** All of the above, and those that no rule asks for. */
  readonly attestations: readonly string[];
}

export interface GateVerdict {
  readonly isPassed: boolean;
  /** Empty where it passed. */
  readonly reasons: readonly GateReason[];
  /** Every content of the run, each digest once. */
  readonly artifacts: readonly ArtifactPapers[];
}

const PAPERS = ['sbom', 'provenance', 'riskAssessment'] as const;
type Paper = (typeof PAPERS)[number];

/** The statement kinds that count as a paper. */
const PAPER_OF: Partial<Record<StatementKind, Paper>> = {
  sbom: 'sbom',
  provenance: 'provenance',
  vulnerabilities: 'riskAssessment',
  vex: 'riskAssessment',
};

/** What the gate itself says afterwards is no paper, and is not weighed again. */
const OWN_KINDS: ReadonlySet<StatementKind | undefined> = new Set<StatementKind>([
  'gate-result',
  'verification-summary',
]);

/**
 * Whether a run may be released: it succeeded, and at least one content that it made carries an SBOM, provenance and an
 * assessment of its risk, each by a statement that is verified here and names that very digest.
 *
 * No flag is asked and no column is believed. A statement that does not verify, or is about something else, is a reason to refuse
 * even where other statements would do: somebody put it there.
 */
export function judgeRelease(question: GateQuestion): GateVerdict {
  const { readable, reasons } = verifyAll(question);
  const artifacts = papersOf(question.artifacts, readable);
  const found = [
    ...(question.hasSucceeded ? [] : [reason('RUN_NOT_SUCCEEDED', 'the run did not succeed')]),
    ...reasons,
    ...missingPapers(artifacts),
  ];
  return { isPassed: found.length === 0, reasons: found, artifacts };
}

/** Contents that carry all papers. */
export function releasable(verdict: GateVerdict): readonly ArtifactPapers[] {
  return verdict.artifacts.filter((one) => PAPERS.every((paper) => one[paper].length > 0));
}

interface Verified extends VerifiedAttestation {
  readonly kind: StatementKind;
  readonly digests: ReadonlySet<string>;
}

function verifyAll(question: GateQuestion): { readonly readable: readonly Verified[]; readonly reasons: GateReason[] } {
  const made = new Set(question.artifacts.map(({ digest }) => hexOf(digest)));
  const readable: Verified[] = [];
  const reasons: GateReason[] = [];
  for (const attestation of question.attestations) {
    if (OWN_KINDS.has(kindOfPredicate(attestation.predicateType))) continue;
    try {
      const verified = verifyOne(attestation, question);
      const stray = [...verified.digests].find((digest) => !made.has(digest));
      if (stray === undefined) readable.push(verified);
      else reasons.push(reason('ATTESTATION_FOR_OTHER_DIGEST', `${named(verified)} is about sha256:${stray}`));
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      const message = `a statement of ${attestation.predicateType} does not verify: ${error.code}: ${error.message}`;
      reasons.push(reason('ATTESTATION_INVALID', message));
    }
  }
  return { readable, reasons };
}

/** Each statement may be about several contents: all of them are read, from what the signature covers. */
function verifyOne({ bundle, predicateType }: KeptAttestation, question: GateQuestion): Verified {
  const kind = kindOfPredicate(predicateType);
  if (kind === undefined)
    throw new VerificationError('PREDICATE_TYPE_WRONG', 'no kind of statement that is known here');
  const origin = kind === 'provenance' ? { builderId: question.builderId, runIds: question.runIds } : {};
  const verified = verifyTyped({
    bundle: Buffer.from(bundle),
    key: question.keys,
    predicateType,
    at: question.finishedOn,
    ...origin,
  });
  return { ...verified, kind, digests: new Set(verified.statement.subject.map(({ digest }) => digest.sha256)) };
}

/** By digest: one content that stands under several names has one set of papers, and its first name. */
function papersOf(artifacts: readonly GatedContent[], verified: readonly Verified[]): readonly ArtifactPapers[] {
  const contents = new Map<Digest, GatedContent>();
  for (const artifact of artifacts) if (!contents.has(artifact.digest)) contents.set(artifact.digest, artifact);
  const about = new Map<string, Verified[]>();
  for (const one of verified) for (const sha256 of one.digests) about.set(sha256, [...(about.get(sha256) ?? []), one]);
  return [...contents.values()].map((content) => {
    const own = about.get(hexOf(content.digest)) ?? [];
    const idsOf = (paper: Paper): readonly string[] => identities(own.filter(({ kind }) => PAPER_OF[kind] === paper));
    return {
      ...content,
      sbom: idsOf('sbom'),
      provenance: idsOf('provenance'),
      riskAssessment: idsOf('riskAssessment'),
      attestations: identities(own),
    };
  });
}

const MISSING: Readonly<Record<Paper, readonly [GateCode, string]>> = {
  sbom: ['SBOM_MISSING', 'no artifact has a verified SBOM'],
  provenance: ['PROVENANCE_MISSING', 'no artifact has verified provenance'],
  riskAssessment: ['RISK_MISSING', 'no artifact has a verified assessment of its risk (scan result or VEX)'],
};

function missingPapers(artifacts: readonly ArtifactPapers[]): readonly GateReason[] {
  if (artifacts.length === 0) return [reason('NO_ARTIFACT', 'the run left no artifact')];
  const missing = PAPERS.filter((paper) => artifacts.every((one) => one[paper].length === 0));
  if (missing.length > 0) return missing.map((paper) => reason(...MISSING[paper]));
  const isTogether = artifacts.some((one) => PAPERS.every((paper) => one[paper].length > 0));
  const message = 'no single artifact has SBOM, provenance and risk assessment: they are about different ones';
  return isTogether ? [] : [reason('PAPERS_SPREAD', message)];
}

function identities(verified: readonly Verified[]): readonly string[] {
  return [...new Set(verified.map(({ payloadSha256 }) => payloadSha256))].sort();
}

function named({ kind, payloadSha256 }: Verified): string {
  return `the ${kind} statement ${payloadSha256}`;
}

function reason(code: GateCode, message: string): GateReason {
  return { code, message };
}
