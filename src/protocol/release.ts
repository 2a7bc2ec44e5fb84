import type { Digest } from '../base/digest.ts';

/** Files of all artifacts of a run: its receipt names no more. */
export const GATED_ARTIFACTS_MAX = 1_000_000;

/** An artifact of a run with what is proven of it: identities of verified statements about exactly its digest. */
interface ReleasedArtifact {
  readonly name: string;
  readonly digest: Digest;
  readonly sbom: readonly string[];
  readonly provenance: readonly string[];
  /** Scan results and VEX. */
  readonly riskAssessment: readonly string[];
  /** All of the above, and what no rule asks for. */
  readonly attestations: readonly string[];
}

/** Whether what a run made may be released, derived anew from statements that are verified each time it is asked. */
export interface ReleaseGateView {
  readonly run: string;
  readonly isPassed: boolean;
  /** Empty where it passed; codes are those of docs/guides/attestations.md. */
  readonly reasons: readonly { readonly code: string; readonly message: string }[];
  readonly artifacts: readonly ReleasedArtifact[];
  /** Identities of what the conductor has signed about it: SVR and VSA. Empty until then, and where the run is no release. */
  readonly statements: readonly string[];
}
