import { MaestroError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { Completion } from '../protocol/lease.ts';
import type { Isolation, Outcome } from '../protocol/outcome.ts';
import type { Database } from '../store/database.ts';
import { type OutcomeShare, takeShares } from '../store/outcome-shares.ts';
import { checkOutcome, missing } from './check-outcome.ts';
import { heapBytes, shapeOf } from './json-weight.ts';
import { parseStepId } from './lease-builder.ts';
import { noteOf } from './outcome-note.ts';
import { receiptBytesOf, receiptRoom, stepIdAt } from './receipt-room.ts';
import type { RunEntries, RunEntry } from './run-entry.ts';
import { OUTCOME_BYTES_FREE, REASON_BYTES_FREE, RUN_OUTCOME_BYTES_MAX } from './worker-limits.ts';

const CUT_CHARS = 8;

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
  if (heavy.length > 1) throw noRoom();
  const lighter = group.map((one) => ({ ...one, outcome: lighten(one.outcome) }));
  if (!(await hasRoom(db, worker, entry, lighter))) throw noRoom();
  return lighter;
}

async function hasRoom(db: Database, worker: number, entry: RunEntry, group: readonly Completion[]): Promise<boolean> {
  const shares = group.flatMap((one) => shareOf(entry, one) ?? []);
  if (shares.every(({ bytes, receiptBytes }) => bytes + receiptBytes === 0)) return true;
  const limits = { bytesMax: RUN_OUTCOME_BYTES_MAX, receiptBytesMax: receiptRoom(entry) };
  return takeShares(db, worker, entry.id, shares, limits);
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
  const { artifacts = [], message = '' } = outcome;
  if (artifacts.length > 0 || sizeOf(message) > REASON_BYTES_FREE) return false;
  return textBytes(outcome) <= OUTCOME_BYTES_FREE;
}

function weightOf(outcome: Outcome): number {
  const note = noteOf(outcome) as unknown as Json;
  return heapBytes(textBytes(outcome), shapeOf(note, Number.MAX_SAFE_INTEGER).values);
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
    ...(message === undefined ? {} : { message: cut(message) }),
    ...(annotations.length === 0 ? {} : { annotations: [missing(annotations.length)] }),
  };
}

function cut(message: string): string {
  let text = message.slice(0, REASON_BYTES_FREE);
  while (sizeOf(text) > REASON_BYTES_FREE) text = text.slice(0, -CUT_CHARS).toWellFormed();
  return text;
}

function sizeOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function noRoom(): MaestroError {
  return new MaestroError(
    'OUTPUT_TOO_LARGE',
    'all steps of the run leave more behind than a run can keep: pack files into archives',
  );
}
