import { MaestroError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { Completion } from '../protocol/lease.ts';
import type { Isolation, Outcome } from '../protocol/outcome.ts';
import type { Database } from '../store/database.ts';
import { type OutcomeShare, readShares, type ShareLimits, takeShares } from '../store/outcome-shares.ts';
import { checkOutcome, missing } from './check-outcome.ts';
import { cutToBytes } from './cut-text.ts';
import { heapBytes, shapeOf } from './json-weight.ts';
import { parseStepId } from './lease-builder.ts';
import { noteOf } from './outcome-note.ts';
import { receiptBytesOf, receiptRoom, stepIdAt } from './receipt-room.ts';
import type { RunEntries, RunEntry } from './run-entry.ts';
import {
  HEAP_BYTES_PER_TEXT_BYTE,
  MESSAGE_BYTES_FREE,
  OUTCOME_BYTES_FREE,
  RUN_OUTCOME_BYTES_MAX,
} from './worker-limits.ts';

export interface OutcomeRoomTools {
  readonly db: Database;
  readonly entries: RunEntries;
}

/**
 * Outcomes as they may enter their runs. All outcomes of a run share what its receipt, and whoever loads it, can hold: each
 * that is more than a few words takes its room before it counts, under the fence and worker that it names.
 *
 * An outcome that says no more than that its attempt failed always has room: a run must be able to end.
 * @throws OUTPUT_TOO_LARGE, OUTPUT_INVALID; of several outcomes each may be sent alone
 */
export async function admitOutcomes(
  tools: OutcomeRoomTools,
  worker: number,
  isolation: Isolation | null,
  completions: readonly Completion[],
): Promise<readonly Completion[]> {
  const checked = completions.map((one) => ({ ...one, outcome: checkOutcome(one.outcome, isolation) }));
  const large = checked.filter(({ outcome }) => !isSmall(outcome));
  if (large.length === 0) return checked;
  await tools.entries.load(
    tools.db,
    large.map(({ stepId }) => parseStepId(stepId).run),
  );
  const fitted = new Map<Completion, Completion>();
  for (const [run, group] of Map.groupBy(large, ({ stepId }) => parseStepId(stepId).run)) {
    const entry = tools.entries.get(run);
    if (!entry) continue;
    const admitted = await admitRun(tools.db, worker, entry, group);
    group.forEach((one, i) => fitted.set(one, admitted[i] ?? one));
  }
  return checked.map((one) => fitted.get(one) ?? one);
}

async function admitRun(
  db: Database,
  worker: number,
  entry: RunEntry,
  group: readonly Completion[],
): Promise<readonly Completion[]> {
  if (await hasRoom(db, worker, entry, group)) return group;
  const heavy = group.filter(({ outcome }) => !isBare(outcome));
  // Which of them is to blame shows when they come one by one.
  if (heavy.length > 1) throw await noRoom(db, entry, group);
  const lighter = group.map((one) => ({ ...one, outcome: lighten(one.outcome) }));
  if (!(await hasRoom(db, worker, entry, lighter))) throw await noRoom(db, entry, lighter);
  return lighter;
}

async function hasRoom(db: Database, worker: number, entry: RunEntry, group: readonly Completion[]): Promise<boolean> {
  const shares = sharesOf(entry, group);
  if (shares.every(({ bytes, receiptBytes }) => bytes + receiptBytes === 0)) return true;
  return takeShares(db, worker, entry.id, shares, limitsOf(entry));
}

function limitsOf(entry: RunEntry): ShareLimits {
  return { bytesMax: RUN_OUTCOME_BYTES_MAX, receiptBytesMax: receiptRoom(entry) };
}

function sharesOf(entry: RunEntry, group: readonly Completion[]): readonly OutcomeShare[] {
  return group.flatMap((one) => shareOf(entry, one) ?? []);
}

function shareOf(entry: RunEntry, { stepId, fence, outcome }: Completion): OutcomeShare | undefined {
  const { idx } = parseStepId(stepId);
  const name = stepIdAt(entry.compiled, idx);
  if (name === undefined) return undefined;
  const bytes = isSmall(outcome) ? 0 : weightOf(outcome);
  return { idx, fence, bytes, receiptBytes: receiptBytesOf(name, outcome) };
}

/** Every step of a plan may say so much: it stands in no account. */
function isSmall(outcome: Outcome): boolean {
  const { outputs, artifacts, annotations, message, cacheKey } = outcome;
  // Most say only how they ended: those are not written as JSON once more.
  if (!outputs && !artifacts && !annotations && message === undefined && cacheKey === undefined) return true;
  return (artifacts ?? []).length === 0 && textBytes(outcome) <= OUTCOME_BYTES_FREE;
}

/** Its text, unless that is made of so many small parts that whoever reads it needs far more memory. */
function weightOf(outcome: Outcome): number {
  const text = textBytes(outcome);
  const shape = shapeOf(noteOf(outcome) as unknown as Json, Number.MAX_SAFE_INTEGER);
  return Math.max(text, Math.ceil(heapBytes(text, shape) / HEAP_BYTES_PER_TEXT_BYTE));
}

function textBytes(outcome: Outcome): number {
  return sizeOf(noteOf(outcome) as unknown as Json);
}

/** Says how the attempt ended, and leaves nothing behind. */
function isBare({ outputs, artifacts, annotations }: Outcome): boolean {
  return [outputs ?? {}, artifacts ?? [], annotations ?? []].every((part) => Object.keys(part).length === 0);
}

/** Remarks are in the log as well, and of a long reason the beginning says most. */
function lighten(outcome: Outcome): Outcome {
  const { annotations = [], message, ...rest } = outcome;
  return {
    ...rest,
    ...(message === undefined ? {} : { message: cutToBytes(message, MESSAGE_BYTES_FREE) }),
    ...(annotations.length === 0 ? {} : { annotations: [missing(annotations.length)] }),
  };
}

function sizeOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Says which of the two is used up: people make room in another way for each. */
async function noRoom(db: Database, entry: RunEntry, group: readonly Completion[]): Promise<MaestroError> {
  const { bytesMax, receiptBytesMax } = limitsOf(entry);
  const taken = await readShares(db, entry.id);
  const left = Math.max(0, bytesMax - taken.bytes);
  const receiptLeft = Math.max(0, receiptBytesMax - taken.receiptBytes);
  const wanted = sharesOf(entry, group).reduce((sum, { receiptBytes }) => sum + receiptBytes, 0);
  return new MaestroError(
    'OUTPUT_TOO_LARGE',
    wanted > receiptLeft
      ? `the receipt of the run has room for the names of its artifacts up to ${receiptBytesMax} bytes, of which ${receiptLeft} are left: pack files into archives`
      : `all steps of the run may leave outputs of ${bytesMax} bytes, of which ${left} are left: keep large results as artifacts`,
  );
}
