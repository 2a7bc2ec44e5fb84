import { leafHash } from '../provenance/merkle.ts';
import type { NodePlace, TreeNode } from '../provenance/merkle-nodes.ts';
import { intArray, textArray } from './array-literal.ts';
import { EVIDENCE_KINDS } from './codes.ts';
import type { Row, Session } from './database.ts';

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

/** What an append goes on from. */
export interface LogLook {
  /** The oldest first, at most a batch. */
  readonly waiting: readonly WaitingLeaf[];
  /** Leaves that wait, and more of them than that. */
  readonly isMore: boolean;
  /** Of the register. */
  readonly size: number;
  /** The hashes that an append goes on from: see `edgePlaces`. */
  readonly edge: readonly Uint8Array[];
}

/** Until the end of the transaction nobody else appends; undefined where somebody else is at it. */
export async function lookAtLog(session: Session, batch: number): Promise<LogLook | undefined> {
  const [row] = await session.query('evidence_look', 'select evidence_look($1)::text', [batch]);
  if (typeof row?.[0] !== 'string') return undefined;
  const { leaves, size, edge } = JSON.parse(row[0]) as ToldLook;
  const waiting = new Map<string, WaitingLeaf>();
  for (const leaf of leaves.map(toWaiting)) {
    const name = `${leaf.kind} ${leaf.run}`;
    if (!waiting.has(name)) waiting.set(name, leaf);
  }
  const hashes = edge.map(([level, text]) =>
    hashOf(level > 0 && text !== null ? Buffer.from(text, 'hex') : null, text),
  );
  return { waiting: [...waiting.values()], isMore: leaves.length === batch, size, edge: hashes };
}

interface ToldLook {
  readonly leaves: readonly Row[];
  readonly size: number;
  /** Level, and the hash in hex; of the lowest, the body of a leaf. */
  readonly edge: readonly (readonly [level: number, text: string | null])[];
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
