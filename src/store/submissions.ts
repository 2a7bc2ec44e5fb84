import type { RunRelation, RunTrigger } from '../protocol/client.ts';
import type { RunStatus } from '../protocol/run.ts';
import { intArray, textArray } from './array-literal.ts';
import { codeOf, EVIDENCE_KINDS, RUN_STATES } from './codes.ts';
import type { Session } from './database.ts';
import { jsonText } from './json-text.ts';

export interface NewRun {
  readonly key: string;
  readonly planId: number;
  readonly status: Extract<RunStatus, 'queued' | 'running' | 'rejected'>;
  readonly nonce: string;
  readonly trigger: RunTrigger;
  readonly relations: readonly RunRelation[];
  readonly namespaceId: number;
  /** Of the standing decisions. */
  readonly packId: number;
  readonly decisionId: number;
  /** Standing decision of each step as a bigint[] literal. */
  readonly decisions: string;
  readonly concurrencyGroup: string | null;
  readonly idempotencyKey: string | null;
  readonly reason: string | null;
  /** The run's key where only workers that name it serve it; empty where any worker does. */
  readonly pool: string;
  /** Queue of each runner class of the plan, as an int[] literal. */
  readonly queues: string;
  /** Milliseconds that the run may take. */
  readonly deadlineMs: number | null;
}

/**
 * Starts runs in one statement; answers their numbers by key. A run whose idempotency key is known is left out. What does not
 * wait goes to the register at once: nobody sees a run that it will not name.
 */
export async function submitRuns(session: Session, runs: readonly NewRun[]): Promise<ReadonlyMap<string, number>> {
  const rows = await session.query(
    'submit',
    `with born as (
       select key, run_id from engine_submit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)),
     logged as (
       insert into evidence_queue (run_id, kind) select b.run_id, ${EVIDENCE_KINDS.open}
       from unnest($1::text[], $3::smallint[]) as t (key, state) join born b on b.key = t.key
       where t.state <> ${codeOf(RUN_STATES, 'queued')})
     select key, run_id from born`,
    [
      textArray(runs.map((run) => run.key)),
      intArray(runs.map((run) => run.planId)),
      intArray(runs.map((run) => codeOf(RUN_STATES, run.status))),
      textArray(runs.map((run) => run.nonce)),
      textArray(runs.map((run) => triggerText(run.trigger))),
      textArray(runs.map((run) => jsonText(run.relations))),
      intArray(runs.map((run) => run.decisionId)),
      textArray(runs.map((run) => run.decisions)),
      intArray(runs.map((run) => run.packId)),
      textArray(runs.map((run) => run.concurrencyGroup)),
      textArray(runs.map((run) => run.idempotencyKey)),
      textArray(runs.map((run) => run.reason)),
      textArray(runs.map((run) => run.pool)),
      textArray(runs.map((run) => run.queues)),
      intArray(runs.map((run) => run.deadlineMs)),
      intArray(runs.map((run) => run.namespaceId)),
    ],
  );
  return new Map(rows.map((row) => [String(row[0]), Number(row[1])]));
}

const TRIGGER_TEXTS = new WeakMap<RunTrigger, string>();

/** Callers that start many runs give the same trigger again: its text is made once. */
function triggerText(trigger: RunTrigger): string {
  let text = TRIGGER_TEXTS.get(trigger);
  if (text === undefined) TRIGGER_TEXTS.set(trigger, (text = jsonText(trigger)));
  return text;
}
