import type { Digest } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import type { Session } from './database.ts';
import { jsonText } from './json-text.ts';

/** Number of the rules, and the data behind them, that a conductor was started with. */
export async function saveBase(session: Session, digest: Digest): Promise<number> {
  await session.query('base_add', 'insert into policy_base (digest) values ($1) on conflict do nothing', [digest]);
  const rows = await session.query('base_id', 'select id from policy_base where digest = $1', [digest]);
  return Number(rows[0]?.[0]);
}

export interface NewPack {
  readonly namespace: number;
  readonly base: number;
  readonly digest: Digest;
  readonly revision: string;
  readonly data: JsonObject;
  /** Of the namespace's patch; null for a pack that is never in force. */
  readonly version: number | null;
}

/**
 * Number of a pack. It is in force as long as the namespace has a patch that it is made of: whoever made it of an older one, and
 * comes late, takes nothing out of force.
 */
export async function savePack(session: Session, pack: NewPack): Promise<number> {
  const rows = await session.query(
    'pack_save',
    `insert into pack (namespace_id, base_id, digest, revision, data, version, in_force)
     select n.id, $2, $3, $4, $5::jsonb, $6, coalesce(n.version = $6::int, false) from namespace n where n.id = $1 for share
     on conflict (namespace_id, base_id, digest) do update
       set version = case when excluded.in_force then excluded.version else pack.version end,
         in_force = pack.in_force or excluded.in_force
     returning id`,
    [pack.namespace, pack.base, pack.digest, pack.revision, jsonText(pack.data), pack.version],
  );
  return Number(rows[0]?.[0]);
}
