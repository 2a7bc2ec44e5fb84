import type { Digest } from '../base/digest.ts';

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
}

/** What a run has to show for itself when it is released. The room of GitHub asks, the engine answers. */
export interface ReleaseEvidence {
  /** Undefined while the run goes on or its receipt is not signed yet. */
  gate(runId: string): Promise<ReleaseGate | undefined>;
  /**
   * Only after the gate passed. Names are unique, safe file names. `artifacts`: names of those that are wanted; all where it is
   * undefined.
   * @throws ARTIFACT_NOT_FOUND where the run has none of a name that is wanted
   */
  assets(runId: string, artifacts: readonly string[] | undefined): Promise<readonly ReleaseAsset[]>;
  /**
   * Content by name, streamed; the digest was checked by the store.
   * @throws ARTIFACT_NOT_FOUND at once, BLOB_CORRUPT at the end of the stream
   */
  read(runId: string, asset: ReleaseAsset): Promise<ReadableStream<Uint8Array>>;
}
