/** What anybody may ask of an evidence register. All of it is checked against the register's verifier key: none is trusted. */
export interface EvidenceReader {
  /** The newest checkpoint. Throws EVIDENCE_NOT_FOUND while the register is empty. */
  checkpoint(): Promise<SignedCheckpoint>;
  /**
   * What the register holds of a run, by its whole id.
   * @throws EVIDENCE_NOT_FOUND where that is nothing
   */
  proofs(run: string): Promise<RunProofs>;
  /**
   * Hashes, base64, that show that the tree of `to` leaves begins with that of `from`, 1 or more.
   * @throws EVIDENCE_NOT_FOUND where the register has fewer leaves
   */
  consistency(from: number, to: number): Promise<readonly string[]>;
  /**
   * Leaves from that index on, as they are hashed: up to `count` of them, at most LEAVES_MAX, and none beyond the newest
   * checkpoint.
   */
  leaves(from: number, count: number): Promise<readonly string[]>;
}

export const LEAVES_MAX = 1000;

export interface SignedCheckpoint {
  /** As the register says it is; whoever checks has it from somewhere else. */
  readonly verifierKey: string;
  /** A signed note, https://c2sp.org/tlog-checkpoint. */
  readonly checkpoint: string;
}

export interface RunProofs {
  readonly verifierKey: string;
  /** Null where it is not in the register: then somebody has lost it. */
  readonly open: ProvenLeaf | null;
  /** Null until the run's receipt is there. */
  readonly close: ProvenLeaf | null;
}

export interface ProvenLeaf {
  readonly index: number;
  /** Canonical JSON. */
  readonly leaf: string;
  /** Text of a `.tlog-proof` file, https://c2sp.org/tlog-proof. */
  readonly proof: string;
}

/** What the store itself knows of a run, for whoever holds the register against it. */
export interface KnownRun {
  readonly runId: string;
  /** Over for a while, and neither closed in the register nor about to be. */
  readonly isOverdue: boolean;
  /** Of the stored receipt. */
  readonly payloadSha256: string | null;
}

/** The register beside the store that it is of. */
export interface EvidenceDesk extends EvidenceReader {
  /** Like `proofs`; waits a little where the run is over and its end on its way into the register. */
  awaitProofs(run: string): Promise<RunProofs>;
  /** By whole ids, at most LEAVES_MAX; those that the store does not know are absent. */
  known(runs: readonly string[]): Promise<readonly KnownRun[]>;
  /** Ids of runs that began a while ago and are not in the register, at most LEAVES_MAX. */
  unlogged(): Promise<readonly string[]>;
}
