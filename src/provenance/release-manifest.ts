import { canonicalJson } from '../base/canonical-json.ts';
import { type Digest, digestBytes } from '../base/digest.ts';
import type { Json } from '../base/json.ts';
import { type ArtifactPapers, type GateReason, type GateVerdict, releasable } from './release-gate.ts';

const MANIFEST_SCHEMA = 'https://maestro-conductor.dev/schema/release-manifest/v1';

/** A run as others refer to it. What is unknown is null. */
export interface RunRecordLink {
  readonly id: string;
  readonly attempt: number;
  readonly pipeline: string;
  readonly purpose: string | null;
  readonly source: { readonly uri: string; readonly gitCommit: string | null };
  readonly status: string;
  readonly finishedOn: string;
  /** Identity of its receipt. */
  readonly receiptSha256: string;
  /** Decisions of policy that are in the receipt, by id. */
  readonly decisions: readonly string[];
  /** What people answered, by id, as in the receipt. */
  readonly approvals: readonly string[];
  readonly relations: readonly { readonly type: string; readonly runId: string }[];
  /** What it belongs to outside of Maestro. */
  readonly entities: readonly EntityLink[];
}

/** Something that others keep: a pull request, a ticket, a node of a knowledge graph. */
export interface EntityLink {
  readonly type: string;
  readonly uri: string;
}

/** What an artifact has, derived from verified attestations: each names their identities, and is empty where there are none. */
interface ArtifactRecord extends ArtifactPapers {
  readonly runId: string;
  readonly isReleasable: boolean;
}

/** The pack that a stranger is given: how it is named and held to. */
interface DisclosurePackRecord {
  readonly runId: string;
  readonly receiptSha256: string;
  /** Identities of every statement that belongs into it. */
  readonly attestations: readonly string[];
  /** Null until it was made. */
  readonly digest: Digest | null;
}

export interface ReleaseManifest {
  readonly schema: typeof MANIFEST_SCHEMA;
  readonly run: RunRecordLink;
  readonly artifacts: readonly ArtifactRecord[];
  readonly gate: { readonly isPassed: boolean; readonly reasons: readonly GateReason[] };
  readonly disclosurePack: DisclosurePackRecord;
}

/** What a run made, what is proven of it, and whether it may be released: equal arguments give equal manifests. */
export function releaseManifest(run: RunRecordLink, verdict: GateVerdict, packDigest: Digest | null): ReleaseManifest {
  const whole = new Set(releasable(verdict).map(({ digest }) => digest));
  const attestations = [...new Set(verdict.artifacts.flatMap((one) => one.attestations))].sort();
  return {
    schema: MANIFEST_SCHEMA,
    run,
    artifacts: verdict.artifacts.map((one) => ({ ...one, runId: run.id, isReleasable: whole.has(one.digest) })),
    gate: { isPassed: verdict.isPassed, reasons: verdict.reasons },
    disclosurePack: { runId: run.id, receiptSha256: run.receiptSha256, attestations, digest: packDigest },
  };
}

/** RFC 8785 text of a manifest, and its digest. */
export function manifestText(manifest: ReleaseManifest): { readonly text: string; readonly digest: Digest } {
  const text = canonicalJson(manifest as unknown as Json);
  return { text, digest: digestBytes(text) };
}
