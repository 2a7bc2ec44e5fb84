import type { Database, Session } from './database.ts';

/** A process that is silent for so long is dead: five beats of it are missing. */
const SILENT_MS_MAX = 10_000;
/** Who could not beat for this long does not judge: the database was away, and the others are silent through no fault of theirs. */
const GAP_MS_MAX = 5000;

/**
 * A process that takes deliveries, reports and dispatches for a while. Each claim ends by itself after some time; one whose
 * holder is dead ends as soon as another process, or the next life of this one, sees that.
 *
 * All times are the database's. A process that was only cut off from it finds its claims fenced.
 */
export interface Claimant {
  /** To be given to what claims. */
  readonly id: string;
  /** Once before the first claim. An embedded database has one process: whoever held claims before is dead. */
  begin(): Promise<void>;
  /** To be called every two seconds. Answers the dead ones whose claims it ended. */
  beat(): Promise<readonly string[]>;
  /** Ends the claims that are left. */
  leave(): Promise<void>;
}

export function openClaimant(db: Database, id: string): Claimant {
  return {
    id,
    begin: async () => {
      if (db.kind === 'embedded') await endClaims(db, await silentFor(db, id, 0));
      await beat(db, id);
    },
    beat: async () => {
      const isSteady = !(await silentFor(db, '', GAP_MS_MAX)).includes(id);
      await beat(db, id);
      const dead = isSteady ? await silentFor(db, id, SILENT_MS_MAX) : [];
      await endClaims(db, dead);
      return dead;
    },
    leave: () => endClaims(db, [id]),
  };
}

async function beat(session: Session, id: string): Promise<void> {
  await session.query(
    'claimant_beat',
    // Missing where another process took a long pause for death.
    'insert into claimant (id) values ($1) on conflict (id) do update set beat_at = now()',
    [id],
  );
}

async function silentFor(session: Session, besides: string, ms: number): Promise<readonly string[]> {
  const rows = await session.query(
    'claimant_silent',
    `select id from claimant where id <> $1 and beat_at <= now() - $2::float8 * interval '1 millisecond'`,
    [besides, ms],
  );
  return rows.map(([id]) => String(id));
}

async function endClaims(db: Database, holders: readonly string[]): Promise<void> {
  for (const holder of holders) await db.transaction((session) => endClaimsOf(session, holder));
}

async function endClaimsOf(session: Session, holder: string): Promise<void> {
  await session.query(
    'claimant_end_deliveries',
    'update delivery set due_at = now() where state = 1 and holder = $1 and due_at > now()',
    [holder],
  );
  // A due time that is no longer that of the claim was set by its holder, when it laid the report aside.
  await session.query(
    'claimant_end_reports',
    'update report set due_ms = 0, held_ms = null where is_due and holder = $1 and due_ms = held_ms',
    [holder],
  );
  // Where GitHub may have been asked, it is asked what came of it: a minute later, when that shows in its lists.
  await session.query(
    'claimant_end_dispatches',
    `update dispatch set held_until = null,
       due_at = case when is_uncertain then least(due_at, now() + interval '1 minute') else '-infinity' end
     where status < 3 and holder = $1 and due_at = held_until`,
    [holder],
  );
  await session.query(
    'claimant_end_commands',
    `update command_request set claimed_at = '-infinity' where done_at is null and starts_with(holder, $1 || ' ')`,
    [holder],
  );
  await session.query('claimant_gone', 'delete from claimant where id = $1', [holder]);
}
