import type { Database, Session } from './database.ts';

/** So many of our own beats in a row without one of theirs: a process that only paused has beaten by then. */
const SILENT_BEATS_MAX = 5;

/**
 * A process that takes deliveries, reports and dispatches for a while. Each claim ends by itself after some time; one whose
 * holder is dead ends as soon as another process, or the next life of this one, sees that.
 *
 * Nobody compares clocks: a process is dead when its count stands still while ours grows. One that was only cut off from
 * the database finds its claims fenced.
 */
export interface Claimant {
  /** To be given to what claims. */
  readonly id: string;
  /** Once before the first claim. An embedded database has one process: whoever held claims before is dead. */
  begin(): Promise<void>;
  /** To be called again and again, at one pace in all processes. Answers the dead ones whose claims it ended. */
  beat(): Promise<readonly string[]>;
  /** Ends the claims that are left. */
  leave(): Promise<void>;
}

export function openClaimant(db: Database, id: string): Claimant {
  const others = new Map<string, { readonly beats: number; readonly silent: number }>();
  return {
    id,
    begin: async () => {
      if (db.kind === 'embedded') await endClaims(db, await othersThan(db, id));
      await grow(db, id);
    },
    beat: async () => {
      await grow(db, id);
      const now = await readOthers(db, id);
      for (const known of others.keys()) if (!now.has(known)) others.delete(known);
      for (const [other, beats] of now) {
        const before = others.get(other);
        others.set(other, { beats, silent: before?.beats === beats ? before.silent + 1 : 0 });
      }
      const dead = [...others].flatMap(([other, { silent }]) => (silent >= SILENT_BEATS_MAX ? [other] : []));
      await endClaims(db, dead);
      return dead;
    },
    leave: () => endClaims(db, [id]),
  };
}

async function grow(session: Session, id: string): Promise<void> {
  await session.query(
    'claimant_beat',
    // Missing where another process took a long pause for death.
    'insert into claimant as c (id) values ($1) on conflict (id) do update set beats = c.beats + 1',
    [id],
  );
}

async function readOthers(session: Session, id: string): Promise<ReadonlyMap<string, number>> {
  const rows = await session.query('claimant_others', 'select id, beats from claimant where id <> $1', [id]);
  return new Map(rows.map((row) => [String(row[0]), Number(row[1])]));
}

async function othersThan(session: Session, id: string): Promise<readonly string[]> {
  return [...(await readOthers(session, id)).keys()];
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
