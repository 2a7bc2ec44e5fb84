import { timeOfUlid } from '../../base/ids.ts';
import { type EvidenceDesk, type EvidenceReader, LEAVES_MAX } from '../../protocol/evidence.ts';
import { type Checkpoint, openCheckpoint } from '../../provenance/evidence-log/checkpoint.ts';
import { type AuditFinding, LogAudit } from '../../provenance/evidence-log/log-audit.ts';
import { type NoteKey, readVerifierKey } from '../../provenance/evidence-log/note-key.ts';

/** What an audit asks of a register: it reads all leaves, and asks for no proofs. */
export type AuditedRegister = Pick<EvidenceReader, 'checkpoint' | 'leaves'>;

export interface AuditRequest {
  readonly reader: AuditedRegister;
  /** The store that the register is of; undefined where only the register is there, as on a server. */
  readonly store: EvidenceDesk | undefined;
  /** Whom the auditor trusts; undefined: whom the register names. */
  readonly key: NoteKey | undefined;
  /** Signed notes that the auditor kept. */
  readonly kept: readonly string[];
  /** A run that began before then and is not over is a finding. Milliseconds; undefined: it may take as long as it likes. */
  readonly openSinceMs: number | undefined;
  /** What else was found while the leaves were read. */
  readonly damage?: () => readonly AuditFinding[];
}

export interface AuditReport {
  readonly checkpoint: Checkpoint;
  readonly runs: number;
  readonly openRuns: number;
  /** How many there are; `findings` has the first of them. */
  readonly found: number;
  readonly findings: readonly AuditFinding[];
}

/**
 * Reads a whole register, recomputes its tree, and holds it against checkpoints that were kept, and against the store where
 * there is one.
 * @throws VerificationError where a checkpoint is not what its key signed
 */
export async function auditRegister(request: AuditRequest): Promise<AuditReport> {
  const { reader, store, key, kept, openSinceMs, damage } = request;
  const signed = await reader.checkpoint();
  const trusted = key ?? readVerifierKey(signed.verifierKey);
  const checkpoint = openCheckpoint(signed.checkpoint, trusted);
  const audit = new LogAudit(
    checkpoint,
    kept.map((note) => openCheckpoint(note, trusted)),
  );
  await readAll(audit, checkpoint, reader);
  for (const finding of damage?.() ?? []) audit.report(finding);
  if (store) await compareWithStore(audit, store);
  if (openSinceMs !== undefined) findLongOpen(audit, openSinceMs);
  const openRuns = [...audit.runs.values()].filter(({ payloadSha256 }) => payloadSha256 === null).length;
  const findings = audit.findings();
  return { checkpoint, runs: audit.runs.size, openRuns, found: Math.max(audit.found, findings.length), findings };
}

async function readAll(audit: LogAudit, { size }: Checkpoint, reader: AuditedRegister): Promise<void> {
  while (audit.missing > 0) {
    const leaves = await reader.leaves(size - audit.missing, Math.min(audit.missing, LEAVES_MAX));
    if (leaves.length === 0) return;
    audit.take(leaves);
  }
}

async function compareWithStore(audit: LogAudit, store: EvidenceDesk): Promise<void> {
  const runIds = [...audit.runs.keys()];
  for (let at = 0; at < runIds.length; at += LEAVES_MAX)
    await compareSome(audit, store, runIds.slice(at, at + LEAVES_MAX));
  for (const runId of await store.unlogged())
    audit.report({ code: 'RUN_NOT_LOGGED', message: `run ${runId} has begun and is not in the register`, runId });
}

async function compareSome(audit: LogAudit, store: EvidenceDesk, runIds: readonly string[]): Promise<void> {
  const known = new Map((await store.known(runIds)).map((run) => [run.runId, run]));
  for (const runId of runIds) {
    const logged = audit.runs.get(runId)?.payloadSha256 ?? null;
    const run = known.get(runId);
    if (logged === null) {
      const message = run ? `run ${runId} is over, and nothing closes it` : `run ${runId} was opened, and is gone`;
      if (!run || run.isOverdue) audit.report({ code: 'OPEN_WITHOUT_CLOSE', message, runId });
    } else if (run?.payloadSha256 !== logged) {
      const stored = run?.payloadSha256 ? `is ${run.payloadSha256}` : 'is gone';
      const message = `run ${runId} was closed with receipt ${logged}, and the stored one ${stored}`;
      audit.report({ code: 'CLOSE_MISMATCH', message, runId });
    }
  }
}

/** When a run began is in its id. */
function findLongOpen(audit: LogAudit, sinceMs: number): void {
  for (const [runId, { payloadSha256 }] of audit.runs) {
    const beganMs = timeOfUlid(runId);
    if (payloadSha256 !== null || !(beganMs < sinceMs)) continue;
    const message = `run ${runId} began on ${new Date(beganMs).toISOString()}, and nothing closes it`;
    audit.report({ code: 'OPEN_WITHOUT_CLOSE', message, runId });
  }
}
