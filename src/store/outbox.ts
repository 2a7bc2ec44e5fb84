import { intArray } from './array-literal.ts';
import { OUTBOX_KINDS } from './codes.ts';
import type { Session } from './database.ts';
import { inScope, type Scope, scopeValue } from './scope.ts';

export type OutboxKind = keyof typeof OUTBOX_KINDS;

export interface OutboxItem {
  readonly id: number;
  readonly run: number;
}

/**
 * Claims items for a while: whoever dies with a claim loses it, and another conductor takes the item. Each claim of an
 * item lasts twice as long as the one before, up to `claimMsMax`.
 */
export async function claimOutbox(
  session: Session,
  scope: Scope,
  kind: OutboxKind,
  limit: number,
  claimMs: number,
  claimMsMax = claimMs,
): Promise<readonly OutboxItem[]> {
  const rows = await session.query(
    'outbox_claim',
    `update outbox set tries = tries + 1,
       due_at = now() + least($5::float8, $3::float8 * power(2, least(tries, 30))) * interval '1 millisecond'
     where id = any (array(select id from outbox where kind = $1 and due_at <= now()
       and ($4::text[] is null or exists (select 1 from run r where r.id = outbox.run_id and ${inScope('r.pool', '$4')})) order by id limit $2 for update skip locked))
     returning id, run_id`,
    [OUTBOX_KINDS[kind], limit, claimMs, scopeValue(scope), claimMsMax],
  );
  return rows.map((row) => ({ id: Number(row[0]), run: Number(row[1]) }));
}

/** Runs that are to be settled again, by whoever is there by then. */
export async function postSettle(session: Session, runs: readonly number[], inMs: number): Promise<void> {
  if (runs.length === 0) return;
  await session.query(
    'outbox_post_settle',
    `insert into outbox (kind, run_id, due_at)
     select $1::smallint, run, now() + $3::float8 * interval '1 millisecond' from unnest($2::bigint[]) as run`,
    [OUTBOX_KINDS.settle, intArray(runs), inMs],
  );
}

/** Runs whose release is to be judged. */
export async function postGates(session: Session, runs: readonly number[]): Promise<void> {
  if (runs.length === 0) return;
  await session.query(
    'outbox_post_gate',
    'insert into outbox (kind, run_id) select $1::smallint, run from unnest($2::bigint[]) as run',
    [OUTBOX_KINDS.gate, intArray(runs)],
  );
}

/** What another try would not change is not tried for so long. */
export async function postponeOutbox(session: Session, kind: OutboxKind, run: number, ms: number): Promise<void> {
  await session.query(
    'outbox_postpone',
    `update outbox set due_at = now() + $3::float8 * interval '1 millisecond' where kind = $1 and run_id = $2`,
    [OUTBOX_KINDS[kind], run, ms],
  );
}

/** What was claimed more often may be what ends the processes that claim it. */
const TRIES_TRUSTED_MAX = 5;

/** Claims of a process that is dead end now, not when they expire: of one run, or of all but those that keep failing. */
export async function endClaims(session: Session, run: number | null): Promise<void> {
  await session.query(
    'outbox_unclaim',
    `update outbox set due_at = now() where due_at > now()
       and case when $1::bigint is null then tries <= ${TRIES_TRUSTED_MAX} else run_id = $1 end`,
    [run],
  );
}

export async function clearOutbox(session: Session, kind: OutboxKind, runs: readonly number[]): Promise<void> {
  await session.query('outbox_clear', 'delete from outbox where kind = $1 and run_id = any ($2::bigint[])', [
    OUTBOX_KINDS[kind],
    intArray(runs),
  ]);
}
