import type { Digest } from '../base/digest.ts';

/** What a step may ask to be stated of contents that its run made. */
export type AttestationKind = 'provenance' | 'signature' | 'sbom' | 'vulnerabilities' | 'vex' | 'test-result';

export const ATTESTATION_KINDS: readonly AttestationKind[] = [
  'provenance',
  'signature',
  'sbom',
  'vulnerabilities',
  'vex',
  'test-result',
];

/** Contents that one statement may be about. */
export const ATTESTED_SUBJECTS_MAX = 64;
export const SUBJECT_NAME_CHARS_MAX = 1024;

interface AttestationSubject {
  /** The name that people know the content by: of a file, or of an image. It becomes printable ASCII. */
  readonly name: string;
  /** Of an artifact of a step that this one needs, directly or not, or of a content that this attempt stored. */
  readonly digest: Digest;
}

export interface AttestRequest {
  readonly kind: AttestationKind;
  /** 1 to `ATTESTED_SUBJECTS_MAX`, each with a name of its own. */
  readonly subjects: readonly AttestationSubject[];
  /**
   * The document that is stated, by the digest of such a content: SBOM, scan result, VEX or test result. JSON of at most 15 MiB.
   * Absent for a signature and for provenance, which the conductor writes from what it knows.
   */
  readonly predicate?: Digest;
}

/** A signed statement of a run, as it is kept. */
export interface RunAttestation {
  /** Id of the step that asked for it; null for what the conductor says by itself. */
  readonly step: string | null;
  readonly predicateType: string;
  readonly subjects: readonly Digest[];
  /** The statement's identity, in hex: SHA-256 of its payload. */
  readonly payloadSha256: string;
  /** Text of the sigstore bundle. */
  readonly bundle: string;
  /** PEM, SPKI: the key that signed it. */
  readonly publicKey: string;
  /** RFC 3339. */
  readonly signedAt: string;
}
