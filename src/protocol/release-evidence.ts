import type { Digest } from '../base/digest.ts';
import type { PlanRelease } from '../pipeline/plan.ts';

/** What a release shows of a run, in the order in which it is attached. */
export interface ReleaseAsset {
  /** A safe file name: letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Whether what a run made may be released. */
export interface ReleaseGate {
  readonly isPassed: boolean;
  /** Why not; plain text, one line each. */
  readonly reasons: readonly string[];
  /** What vouches for the run, for people: lines without Markdown. */
  readonly papers: readonly { readonly name: string; readonly isVerified: boolean }[];
  /** What the gate's SLSA verification summary says; absent where it was not asked for one. */
  readonly summary?: GateSummary;
}

/** What slsa-verifier wants to be told, beside the file and the key. */
export interface GateSummary {
  readonly verifierId: string;
  readonly resourceUri: string;
  /** Such as `SLSA_BUILD_LEVEL_2`. */
  readonly level: string;
  /** Of one of the contents that it is about. */
  readonly subject: Digest;
}

/** What of a run is attached, as its pipeline wants it. */
export type ReleaseWish = Pick<PlanRelease, 'artifacts'>;

/** What a run has to show for itself when it is released. The room of GitHub asks, the engine answers. */
export interface ReleaseEvidence {
  /** Undefined while the run goes on or its receipt is not signed yet. */
  gate(runId: string): Promise<ReleaseGate | undefined>;
  /**
   * Only after the gate passed. Names are unique, safe file names. What is told is stored: it is what `read` answers from then on.
   * @throws ARTIFACT_NOT_FOUND where the run has none of a name that is wanted
   */
  assets(runId: string, wish: ReleaseWish): Promise<readonly ReleaseAsset[]>;
  /**
   * Content by name, streamed; the digest was checked by the store.
   * @throws ARTIFACT_NOT_FOUND at once, BLOB_CORRUPT at the end of the stream
   */
  read(runId: string, asset: ReleaseAsset): Promise<ReadableStream<Uint8Array>>;
}
