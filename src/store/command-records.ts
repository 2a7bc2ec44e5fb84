import type { JsonObject } from '../base/json.ts';
import type { Asker, Claim, CommandRecords } from '../protocol/command-record.ts';
import type { Database } from './database.ts';
import { jsonText, plainText } from './json-text.ts';

const PRUNED_AT_ONCE_MAX = 10_000;

export function openCommandRecords(db: Database): CommandRecords {
  return {
    claim: (key, holder, leaseMs, asker) => claim(db, key, holder, leaseMs, asker),
    acknowledged: async (key) => {
      await db.query('command_acknowledged', 'update command_request set acknowledged_at = now() where key = $1', [
        key,
      ]);
    },
    countOf: (asker, withinMs) => countOf(db, asker, withinMs),
    intend: async (key, index, target) => {
      const rows = await db.query(
        'command_intend',
        `insert into command_effect (key, idx, target) values ($1, $2, $3::jsonb)
         on conflict (key, idx) do update set target = coalesce(command_effect.target, excluded.target)
         returning target`,
        [key, index, jsonText(target)],
      );
      return rows[0]?.[0] as JsonObject;
    },
    target: async (key, index) => {
      const rows = await db.query('command_target', 'select target from command_effect where key = $1 and idx = $2', [
        key,
        index,
      ]);
      return (rows[0]?.[0] ?? undefined) as JsonObject | undefined;
    },
    finish: async (key, index, answer) => {
      await db.query(
        'command_finish',
        `insert into command_effect (key, idx, answer) values ($1, $2, $3)
         on conflict (key, idx) do update set answer = coalesce(command_effect.answer, excluded.answer)`,
        [key, index, plainText(answer)],
      );
    },
    answers: async (key) => {
      const rows = await db.query(
        'command_answers',
        'select idx, answer from command_effect where key = $1 and answer is not null order by idx',
        [key],
      );
      return new Map(rows.map((row) => [Number(row[0]), String(row[1])]));
    },
    renew: async (key, holder) => {
      const rows = await db.query(
        'command_renew',
        'update command_request set claimed_at = now() where key = $1 and holder = $2 and done_at is null returning 1',
        [key, holder],
      );
      return rows.length > 0;
    },
    close: async (key) => {
      await db.query('command_close', 'update command_request set done_at = now() where key = $1', [key]);
    },
    prune: async (before) => {
      await db.query(
        'command_prune',
        `delete from command_request where key in (
           select key from command_request where done_at < $1::timestamptz limit ${PRUNED_AT_ONCE_MAX})`,
        [before.toISOString()],
      );
    },
    release: async (key, holder) => {
      await db.query(
        'command_release',
        `update command_request set claimed_at = '-infinity' where key = $1 and holder = $2 and done_at is null`,
        [key, holder],
      );
    },
  };
}

async function claim(
  db: Database,
  key: string,
  holder: string,
  leaseMs: number,
  asker: Asker | undefined,
): Promise<Claim> {
  const rows = await db.query(
    'command_claim',
    `insert into command_request (key, holder, repository_id, person_id) values ($1, $2, $4, $5)
     on conflict (key) do update set holder = excluded.holder, claimed_at = now()
       where command_request.done_at is null
         and command_request.claimed_at < now() - $3::float8 * interval '1 millisecond'
     returning xmax <> 0, acknowledged_at is not null`,
    [key, holder, leaseMs, asker?.repositoryId ?? null, asker?.personId ?? null],
  );
  const [row] = rows;
  if (row) return { status: 'mine', isRetaken: row[0] === true, isAcknowledged: row[1] === true };
  const done = await db.query('command_done', 'select done_at is not null from command_request where key = $1', [key]);
  return { status: done[0]?.[0] === true ? 'done' : 'busy', isRetaken: false, isAcknowledged: false };
}

async function countOf(db: Database, { repositoryId, personId }: Asker, withinMs: number): Promise<number> {
  const [row] = await db.query(
    'command_count',
    `select count(*) from command_request where repository_id = $1 and person_id = $2
       and asked_at > now() - $3::float8 * interval '1 millisecond'`,
    [repositoryId, personId, withinMs],
  );
  return Number(row?.[0]);
}
