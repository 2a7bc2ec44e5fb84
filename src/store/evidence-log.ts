import { leafHash } from '../provenance/merkle.ts';
import type { NodePlace, TreeNode } from '../provenance/merkle-nodes.ts';
import { intArray, textArray } from './array-literal.ts';
import { EVIDENCE_KINDS } from './codes.ts';
import type { Row, Session } from './database.ts';

/** Locks (number, 0) of a two-number advisory lock: ticks use 7309. */
const LOCK = 7310;

/** A leaf that has no index yet. */
export interface WaitingLeaf {
  /** Of its row in the queue. */
  readonly id: number;
  readonly run: number;
  readonly runKey: string;
  readonly attempt: number;
  readonly kind: 'open' | 'close';
  /** Of the receipt; null where the run only began. */
  readonly payloadSha256: string | null;
}

export interface NewLeaves {
  /** Rows of the queue, in the order of the leaves. */
  readonly waiting: readonly WaitingLeaf[];
  readonly bodies: readonly string[];
  readonly nodes: readonly TreeNode[];
  /** Of the register before. */
  readonly size: number;
  /** Signed checkpoint of the register after. */
  readonly note: string;
}

/** Until the end of the transaction nobody else appends; false where somebody else is at it. */
export async function lockLog(session: Session): Promise<boolean> {
  const rows = await session.query('evidence_lock', `select pg_try_advisory_xact_lock(${LOCK}, 0)`, []);
  return rows[0]?.[0] === true;
}

/** Verifier key of the register, which is the given one where nobody has begun it. */
export async function claimLog(session: Session, verifierKey: string): Promise<string> {
  await session.query(
    'evidence_claim',
    'insert into evidence_log (verifier_key) values ($1) on conflict (id) do nothing',
    [verifierKey],
  );
  return (await logVerifierKey(session)) ?? verifierKey;
}

export async function logVerifierKey(session: Session): Promise<string | undefined> {
  const rows = await session.query('evidence_key', 'select verifier_key from evidence_log', []);
  return rows[0] && String(rows[0][0]);
}

/**
 * The oldest; a run's end never stands before its beginning. What somebody changed by hand holds up nobody: an end whose receipt is
 * gone, and what is there twice.
 */
export async function waitingLeaves(session: Session, limit: number): Promise<readonly WaitingLeaf[]> {
  const rows = await session.query(
    'evidence_waiting',
    // Each is looked up: a plan that reads all runs for the sake of one takes longer than everything else here.
    `select q.id, q.run_id, r.key, r.attempt, q.kind, c.payload_sha256
     from (select id, run_id, kind from evidence_queue e
       where (kind = ${EVIDENCE_KINDS.open} or exists (select 1 from receipt where run_id = e.run_id))
         and not exists (select 1 from evidence_leaf where run_id = e.run_id and kind = e.kind) order by id limit $1) q
     cross join lateral (select key, attempt from run where id = q.run_id limit 1) r
     left join lateral (
       select payload_sha256 from receipt where run_id = q.run_id and q.kind = ${EVIDENCE_KINDS.close} limit 1) c on true
     order by q.id`,
    [limit],
  );
  const leaves = new Map<string, WaitingLeaf>();
  for (const row of rows) {
    const leaf = toWaiting(row);
    const name = `${leaf.kind} ${leaf.run}`;
    if (!leaves.has(name)) leaves.set(name, leaf);
  }
  return [...leaves.values()];
}

function toWaiting([id, run, runKey, attempt, kind, payloadSha256]: Row): WaitingLeaf {
  return {
    id: Number(id),
    run: Number(run),
    runKey: String(runKey),
    attempt: Number(attempt),
    kind: Number(kind) === EVIDENCE_KINDS.open ? 'open' : 'close',
    payloadSha256: typeof payloadSha256 === 'string' ? payloadSha256 : null,
  };
}

/** Size of the register, and the hashes that an append goes on from: see `edgePlaces`. */
export async function readLogEdge(
  session: Session,
): Promise<{ readonly size: number; readonly edge: readonly Uint8Array[] }> {
  const rows = await session.query(
    'evidence_edge',
    `select t.size, n.hash, f.body from (select coalesce(max(size), 0) as size from evidence_checkpoint) t
     left join generate_series(0, 52) as l (level) on (t.size >> l.level) & 1 = 1
     ${nodeAt('l.level', '(t.size >> l.level) - 1')}
     order by l.level desc`,
    [],
  );
  const size = Number(rows[0]?.[0] ?? 0);
  return { size, edge: size === 0 ? [] : rows.map(([, hash, body]) => hashOf(hash, body)) };
}

export async function appendToLog(session: Session, { waiting, bodies, nodes, size, note }: NewLeaves): Promise<void> {
  const inner = nodes.filter(({ level }) => level > 0);
  await session.query(
    'evidence_append',
    `with leaves as (
       insert into evidence_leaf (idx, run_id, kind, body)
       select $1::bigint + t.ord - 1, t.run_id, t.kind, t.body
       from unnest($2::bigint[], $3::smallint[], $4::text[]) with ordinality as t (run_id, kind, body, ord)),
     nodes as (
       insert into evidence_node (level, idx, hash)
       select t.level, t.idx, decode(t.hash, 'hex') from unnest($5::smallint[], $6::bigint[], $7::text[]) as t (level, idx, hash)),
     checkpoint as (insert into evidence_checkpoint (size, note) values ($1::bigint + cardinality($2::bigint[]), $8))
     delete from evidence_queue where id = any ($9::bigint[])`,
    [
      size,
      intArray(waiting.map(({ run }) => run)),
      intArray(waiting.map(({ kind }) => EVIDENCE_KINDS[kind])),
      textArray(bodies),
      intArray(inner.map(({ level }) => level)),
      intArray(inner.map(({ index }) => index)),
      textArray(inner.map(({ hash }) => Buffer.from(hash).toString('hex'))),
      note,
      intArray(waiting.map(({ id }) => id)),
    ],
  );
}

/** Hashes at these places, in their order. A place without a node is a defect: whoever asks knows the size. */
export async function readLogNodes(session: Session, places: readonly NodePlace[]): Promise<readonly Uint8Array[]> {
  if (places.length === 0) return [];
  const rows = await session.query(
    'evidence_nodes',
    `select n.hash, f.body from unnest($1::smallint[], $2::bigint[]) with ordinality as t (level, idx, ord)
     ${nodeAt('t.level', 't.idx')} order by t.ord`,
    [intArray(places.map(({ level }) => level)), intArray(places.map(({ index }) => index))],
  );
  return rows.map(([hash, body]) => hashOf(hash, body));
}

/** SQL: the hash of the inner node at a place, or the body of the leaf there. */
function nodeAt(level: string, index: string): string {
  return `left join lateral (select hash from evidence_node where level = ${level} and idx = ${index} limit 1) n on true
     left join lateral (select body from evidence_leaf where ${level} = 0 and idx = ${index} limit 1) f on true`;
}

/** Of an inner node, as it is stored; of a leaf, by its body. */
function hashOf(hash: unknown, body: unknown): Uint8Array {
  if (hash instanceof Uint8Array) return hash;
  if (typeof body === 'string') return leafHash(body);
  throw new RangeError('the register lacks a node that its size implies');
}

/** The first one that covers a leaf: it stays the same for good. */
export async function firstCheckpoint(
  session: Session,
  leafIndex: number,
): Promise<{ readonly size: number; readonly note: string } | undefined> {
  const rows = await session.query(
    'evidence_first',
    'select size, note from evidence_checkpoint where size > $1 order by size limit 1',
    [leafIndex],
  );
  return rows[0] && { size: Number(rows[0][0]), note: String(rows[0][1]) };
}

/** Undefined where the register is empty. */
export async function latestCheckpoint(
  session: Session,
): Promise<{ readonly size: number; readonly note: string } | undefined> {
  const rows = await session.query(
    'evidence_latest',
    'select size, note from evidence_checkpoint order by size desc limit 1',
    [],
  );
  return rows[0] && { size: Number(rows[0][0]), note: String(rows[0][1]) };
}

export async function leavesFrom(session: Session, from: number, count: number): Promise<readonly string[]> {
  const rows = await session.query(
    'evidence_leaves',
    'select body from evidence_leaf where idx >= $1 and idx < $1::bigint + $2::bigint order by idx',
    [from, count],
  );
  return rows.map(([body]) => String(body));
}

export interface StoredLeaf {
  readonly kind: 'open' | 'close';
  readonly index: number;
  readonly body: string;
}

/** Of a run, by its public id: its beginning first. */
export async function leavesOfRun(session: Session, runKey: string): Promise<readonly StoredLeaf[]> {
  const rows = await session.query(
    'evidence_of_run',
    'select l.kind, l.idx, l.body from run r join evidence_leaf l on l.run_id = r.id where r.key = $1 order by l.kind',
    [runKey],
  );
  return rows.map(([kind, index, body]) => ({
    kind: Number(kind) === EVIDENCE_KINDS.open ? 'open' : 'close',
    index: Number(index),
    body: String(body),
  }));
}
