import { leafHash } from '../merkle.ts';
import { appendedNodes, rootOfEdge } from '../merkle-nodes.ts';
import { type VerificationCode, VerificationError } from '../verification-error.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type EvidenceLeaf, readLeaf } from './leaf.ts';

/** Something that a register must not show. */
export interface AuditFinding {
  readonly code: VerificationCode;
  readonly message: string;
  /** Public id of the run that it is about; null where it is about the register. */
  readonly runId: string | null;
}

/** What the leaves say of a run. */
export interface LoggedRun {
  readonly attempt: number;
  readonly isOpened: boolean;
  /** Of the receipt that closed it; null while it is open. */
  readonly payloadSha256: string | null;
}

/** Findings that are kept: where there are more, the register is wrong from some point on, and each leaf would have one. */
const FINDINGS_KEPT = 1000;

/**
 * Reads a register from its first leaf to its last, and holds what it finds against checkpoints: the one that the register
 * shows now, and those that the auditor kept from before. It asks nobody for a proof: with all leaves at hand, the roots
 * follow from them.
 */
export class LogAudit {
  readonly #checkpoint: Checkpoint;
  /** By size: every root that was ever signed for it. */
  readonly #heads: ReadonlyMap<number, readonly Checkpoint[]>;
  readonly #findings: AuditFinding[] = [];
  readonly #runs = new Map<string, LoggedRun>();
  #edge: readonly Uint8Array[] = [];
  #size = 0;
  #found = 0;

  /**
   * @param checkpoint of the register as it is, its signature checked
   * @param kept those that the auditor has from before, their signatures checked
   */
  constructor(checkpoint: Checkpoint, kept: readonly Checkpoint[]) {
    this.#checkpoint = checkpoint;
    this.#heads = Map.groupBy([checkpoint, ...kept], ({ size }) => size);
    for (const { size } of kept) {
      if (size <= checkpoint.size) continue;
      const message = `a checkpoint that you kept has ${size} leaves, and the register shows ${checkpoint.size}`;
      this.#find({ code: 'LOG_ROLLED_BACK', message, runId: null });
    }
    this.#checkRoots();
  }

  /** Leaves in their order; those beyond the checkpoint are not looked at. */
  take(leaves: readonly string[]): void {
    for (const leaf of leaves) {
      if (this.#size === this.#checkpoint.size) return;
      this.#edge = appendedNodes(this.#size, this.#edge, [leafHash(leaf)]).edge;
      this.#size += 1;
      this.#read(leaf);
      this.#checkRoots();
    }
  }

  /** Leaves that are to come. */
  get missing(): number {
    return this.#checkpoint.size - this.#size;
  }

  get runs(): ReadonlyMap<string, LoggedRun> {
    return this.#runs;
  }

  /** How many there are: of many, the first are kept. */
  get found(): number {
    return this.#found;
  }

  /** After the last leaf that there was. */
  findings(): readonly AuditFinding[] {
    if (this.missing === 0) return this.#findings;
    const message = `the checkpoint speaks of ${this.#checkpoint.size} leaves, and ${this.#size} are there`;
    return [{ code: 'LOG_TRUNCATED', message, runId: null }, ...this.#findings];
  }

  /** What is known of runs from elsewhere does not go with the register. */
  report(finding: AuditFinding): void {
    this.#find(finding);
  }

  #checkRoots(): void {
    const heads = this.#heads.get(this.#size) ?? [];
    if (heads.length === 0) return;
    const root = Buffer.from(rootOfEdge(this.#edge));
    for (const head of heads) {
      if (root.equals(head.root)) continue;
      const whose = head === this.#checkpoint ? 'the register has signed' : 'you kept';
      const message = `the ${this.#size} leaves that are there are not those of the checkpoint that ${whose}`;
      this.#find({ code: 'LOG_FORKED', message, runId: null });
    }
  }

  #read(text: string): void {
    try {
      this.#record(readLeaf(text));
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      const message = `leaf ${this.#size - 1} is none: ${error.message}`;
      this.#find({ code: 'LEAF_MALFORMED', message, runId: null });
    }
  }

  #record(leaf: EvidenceLeaf): void {
    const { runId, attempt } = leaf;
    const known = this.#runs.get(runId);
    const index = this.#size - 1;
    if (leaf.kind === 'open') {
      if (known) this.#find({ code: 'LEAF_DUPLICATE', message: `leaf ${index} opens run ${runId} again`, runId });
      else this.#runs.set(runId, { attempt, isOpened: true, payloadSha256: null });
      return;
    }
    if (known !== undefined && known.payloadSha256 !== null) {
      this.#find({ code: 'LEAF_DUPLICATE', message: `leaf ${index} closes run ${runId} again`, runId });
      return;
    }
    if (known?.attempt !== attempt) {
      const message = `leaf ${index} closes attempt ${attempt} of run ${runId}, which nothing opened`;
      this.#find({ code: 'CLOSE_WITHOUT_OPEN', message, runId });
    }
    this.#runs.set(runId, { attempt, isOpened: known !== undefined, payloadSha256: leaf.payloadSha256 });
  }

  #find(finding: AuditFinding): void {
    this.#found += 1;
    if (this.#findings.length < FINDINGS_KEPT) this.#findings.push(finding);
  }
}
