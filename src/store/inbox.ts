import type { JsonObject } from '../base/json.ts';
import type { ClaimedDelivery, DeliveryRecord, Inbox, InboxCounts, NewDelivery } from '../protocol/inbox.ts';
import { textArray } from './array-literal.ts';
import type { Database, Row } from './database.ts';
import { plainText } from './json-text.ts';

const CHANNEL = 'maestro_inbox';
/** Other processes hear of new deliveries at most this often: a NOTIFY per commit would undo group commit. */
const TELL_EVERY_MS = 10;
const PRUNED_AT_ONCE_MAX = 1000;
const NOTE_CHARS_MAX = 2000;
const STATES = ['waiting', 'working', 'done', 'buried'] as const;

/**
 * A delivery waits, is in work, then done or buried. A claim that ends without a word leaves it in work with a due time
 * that has passed, which is the same as waiting.
 * @param holder the process, where its claims end with it (see `claimants.ts`)
 */
export function openInbox(db: Database, holder: string | null = null): Inbox {
  const news = new InboxNews(db);
  return {
    accept: async (delivery) => {
      const answer = await accept(db, delivery);
      if (answer === 'stored') news.tell();
      return answer;
    },
    claim: (limit, holdMs) => claim(db, limit, holdMs, holder),
    finish: (claimed, note) => end(db, claimed, 2, note),
    bury: (claimed, error) => end(db, claimed, 3, error),
    retry: (claimed, error, delayMs) => retry(db, claimed, error, delayMs),
    find: (id) => find(db, id),
    counts: () => counts(db),
    prune: (before) => prune(db, before),
    missing: (ids) => missing(db, ids),
    askable: (ids, limit, timesMax, pauseMs) => askable(db, ids, limit, timesMax, pauseMs),
    noteRedelivery: (id, timesMax, pauseMs) => noteRedelivery(db, id, timesMax, pauseMs),
    onNews: (hear) => news.on(hear),
  };
}

async function accept(db: Database, delivery: NewDelivery): Promise<'stored' | 'known'> {
  const rows = await db.query('inbox_accept', 'select inbox_accept($1, $2, $3, $4, $5, $6)', [
    plainText(delivery.id),
    plainText(delivery.lane),
    plainText(delivery.event),
    delivery.action === null ? null : plainText(delivery.action),
    delivery.installationId,
    JSON.stringify(delivery.payload),
  ]);
  return rows[0]?.[0] === true ? 'stored' : 'known';
}

/**
 * Looks at heads of lanes alone, and at no more of a repository than could be taken: neither a long lane nor many lanes make
 * it slow. A repository with many lanes in work stands behind one with none. Of an installation that is suspended only what
 * is said of itself is taken.
 */
async function claim(
  db: Database,
  limit: number,
  holdMs: number,
  holder: string | null,
): Promise<readonly ClaimedDelivery[]> {
  const rows = await db.query(
    'inbox_claim',
    `with recursive place as (
       (select repository from delivery where is_head order by repository limit 1)
       union all
       select next.repository from place cross join lateral (
         select d.repository from delivery d where d.is_head and d.repository > place.repository
         order by d.repository limit 1) next),
     ranked as (
       select head.seq, head.turn + busy.count as rank from place
       cross join lateral (
         select d.seq, row_number() over (order by d.seq) as turn from delivery d
         where d.is_head and d.repository = place.repository and d.due_at <= now()
           and (d.repository = 'installation' or not exists (
             select 1 from suspended_installation s where s.installation_id = d.installation_id))
         order by d.seq limit $1) head
       cross join lateral (
         select count(*) as count from delivery d
         where d.state = 1 and d.repository = place.repository and d.due_at > now()) busy),
     picked as (
       select d.seq from ranked r join delivery d on d.seq = r.seq
       where d.is_head and d.due_at <= now()
       order by r.rank, r.seq limit $1
       for update of d skip locked)
     update delivery d set state = 1, tries = d.tries + 1, holder = $3,
       due_at = now() + $2::float8 * interval '1 millisecond'
     from picked p where d.seq = p.seq
     returning d.seq, d.id, d.lane, d.event, d.action, d.installation_id, d.payload, d.received_at, d.tries`,
    [limit, holdMs, holder],
  );
  return rows.toSorted((a, b) => Number(a[0]) - Number(b[0])).map(claimedOf);
}

function claimedOf([, id, lane, event, action, installation, payload, receivedAt, tries]: Row): ClaimedDelivery {
  return {
    id: String(id),
    lane: String(lane),
    event: String(event),
    action: textOrNull(action),
    installationId: installation === null ? null : Number(installation),
    payload: JSON.parse(String(payload)) as JsonObject,
    receivedAt: (receivedAt as Date).toISOString(),
    tries: Number(tries),
  };
}

async function end(db: Database, claimed: ClaimedDelivery, state: 2 | 3, note: string): Promise<boolean> {
  const rows = await db.query('inbox_end', 'select inbox_end($1, $2, $3::smallint, $4)', [
    claimed.id,
    claimed.tries,
    state,
    noteText(note),
  ]);
  return rows[0]?.[0] === true;
}

async function retry(db: Database, claimed: ClaimedDelivery, error: string, delayMs: number): Promise<boolean> {
  const rows = await db.query(
    'inbox_retry',
    `update delivery set state = 0, note = $3, due_at = now() + $4::float8 * interval '1 millisecond'
     where id = $1 and tries = $2 and state = 1 returning 1`,
    [claimed.id, claimed.tries, noteText(error), delayMs],
  );
  return rows.length > 0;
}

async function find(db: Database, id: string): Promise<DeliveryRecord | undefined> {
  const rows = await db.query(
    'inbox_find',
    'select id, lane, event, action, state, tries, note, received_at, finished_at from delivery where id = $1',
    [plainText(id)],
  );
  const [row] = rows;
  if (!row) return undefined;
  return {
    id: String(row[0]),
    lane: String(row[1]),
    event: String(row[2]),
    action: textOrNull(row[3]),
    state: STATES[Number(row[4])] ?? 'buried',
    tries: Number(row[5]),
    note: textOrNull(row[6]),
    receivedAt: (row[7] as Date).toISOString(),
    finishedAt: row[8] === null ? null : (row[8] as Date).toISOString(),
  };
}

async function counts(db: Database): Promise<InboxCounts> {
  const rows = await db.query(
    'inbox_counts',
    `select count(*) filter (where state = 0 or due_at <= now()), count(*) filter (where state = 1 and due_at > now()),
       (select count(*) from delivery where state = 3),
       coalesce(extract(epoch from now() - min(received_at)) * 1000, 0)::float8
     from delivery where state < 2`,
    [],
  );
  const [waiting, working, buried, oldestMs] = rows[0] ?? [];
  return {
    waiting: Number(waiting),
    working: Number(working),
    buried: Number(buried),
    oldestMs: Math.max(0, Number(oldestMs)),
  };
}

async function prune(db: Database, before: Date): Promise<number> {
  for (let total = 0; ; ) {
    const rows = await db.query(
      'inbox_prune',
      `delete from delivery where seq in (
         select seq from delivery where state >= 2 and received_at < $1::timestamptz order by seq limit ${PRUNED_AT_ONCE_MAX})
       returning 1`,
      [before.toISOString()],
    );
    total += rows.length;
    if (rows.length === PRUNED_AT_ONCE_MAX) continue;
    await db.query('inbox_prune_asked', 'delete from redelivery where asked_at < $1::timestamptz', [
      before.toISOString(),
    ]);
    return total;
  }
}

async function missing(db: Database, ids: readonly string[]): Promise<readonly string[]> {
  const rows = await db.query(
    'inbox_missing',
    `select t.id from unnest($1::text[]) with ordinality as t (id, ord)
     where not exists (select 1 from delivery d where d.id = t.id) order by t.ord`,
    [textArray(ids)],
  );
  return rows.map(([id]) => String(id));
}

/** `noteRedelivery` would say yes: by the same words. */
async function askable(
  db: Database,
  ids: readonly string[],
  limit: number,
  timesMax: number,
  pauseMs: number,
): Promise<readonly string[]> {
  const rows = await db.query(
    'inbox_askable',
    `select t.id from unnest($1::text[]) with ordinality as t (id, ord) left join redelivery r on r.id = t.id
     where r.id is null
       or (r.times < $3 and r.asked_at <= now() - $4::float8 * power(2, r.times - 1) * interval '1 millisecond')
     order by t.ord limit $2`,
    [textArray(ids), limit, timesMax, pauseMs],
  );
  return rows.map(([id]) => String(id));
}

async function noteRedelivery(db: Database, id: string, timesMax: number, pauseMs: number): Promise<boolean> {
  const rows = await db.query(
    'inbox_redelivery',
    `insert into redelivery as r (id) values ($1)
     on conflict (id) do update set times = r.times + 1, asked_at = now()
     where r.times < $2 and r.asked_at <= now() - $3::float8 * power(2, r.times - 1) * interval '1 millisecond'
     returning 1`,
    [plainText(id), timesMax, pauseMs],
  );
  return rows.length > 0;
}

/** A hint that something may be claimed. Listeners of this process hear it at once, others a few milliseconds later. */
class InboxNews {
  readonly #db: Database;
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  async on(hear: () => void): Promise<() => Promise<void>> {
    this.#listeners.add(hear);
    const unlisten = this.#db.kind === 'embedded' ? undefined : await this.#db.listen(CHANNEL, hear);
    return async () => {
      this.#listeners.delete(hear);
      await unlisten?.();
    };
  }

  tell(): void {
    for (const hear of this.#listeners) hear();
    if (this.#db.kind === 'embedded' || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // Whoever misses it polls.
      this.#db.notify(CHANNEL, '').catch(() => {});
    }, TELL_EVERY_MS);
  }
}

function noteText(text: string): string {
  return plainText(text).slice(0, NOTE_CHARS_MAX);
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
