/** What a statement beside the receipt may be about, and the type by which every tool knows it. */
export const PREDICATE_TYPES = {
  /** SLSA provenance v1 of the build type in docs/reference/build-type.md. */
  provenance: 'https://slsa.dev/provenance/v1',
  /** What cosign 3 states of an image that it signs: an empty predicate. */
  signature: 'https://sigstore.dev/cosign/sign/v1',
  /** CycloneDX. */
  sbom: 'https://cyclonedx.org/bom',
  /** What a scanner found. */
  vulnerabilities: 'https://in-toto.io/attestation/vulns/v0.2',
  /** OpenVEX: what is known of each weakness. */
  vex: 'https://openvex.dev/ns/v0.2.0',
  'test-result': 'https://in-toto.io/attestation/test-result/v0.1',
  /** Simple verification result of the release gate. */
  'gate-result': 'https://in-toto.io/attestation/svr/v0.2',
  /** The same as a SLSA verification summary. */
  'verification-summary': 'https://slsa.dev/verification_summary/v1',
} as const;

export type StatementKind = keyof typeof PREDICATE_TYPES;

/** Undefined for a type that Maestro does not make. */
export function kindOfPredicate(predicateType: string): StatementKind | undefined {
  return (Object.keys(PREDICATE_TYPES) as StatementKind[]).find((kind) => PREDICATE_TYPES[kind] === predicateType);
}
