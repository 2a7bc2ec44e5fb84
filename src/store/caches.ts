import type { JsonObject } from '../base/json.ts';
import type { CacheEntry } from '../protocol/lease.ts';
import type { Artifact } from '../protocol/outcome.ts';
import type { Session } from './database.ts';
import { jsonText, plainText } from './json-text.ts';

export async function readCache(session: Session, key: string): Promise<CacheEntry | undefined> {
  const rows = await session.query(
    'cache_read',
    'select outputs, artifacts, files, run_key from cache_entry where key = $1 and expires_at > now()',
    [key],
  );
  const row = rows[0];
  if (!row) return undefined;
  return {
    key,
    outputs: row[0] as JsonObject,
    artifacts: row[1] as readonly Artifact[],
    files: row[2] as readonly Artifact[],
    runId: String(row[3]),
  };
}

/** The newest result of a key counts. `repository` is whose results are counted together. */
export async function saveCache(session: Session, repository: string, entry: CacheEntry, ttlMs: number): Promise<void> {
  const [outputs, artifacts, files] = [jsonText(entry.outputs), jsonText(entry.artifacts), jsonText(entry.files)];
  await session.query(
    'cache_save',
    `insert into cache_entry (key, outputs, artifacts, files, run_key, expires_at, repository, size_bytes)
     values ($1, $2::jsonb, $3::jsonb, $4::jsonb, $5, now() + $6::float8 * interval '1 millisecond', $7, $8)
     on conflict (key) do update set outputs = excluded.outputs, artifacts = excluded.artifacts, files = excluded.files,
       run_key = excluded.run_key, created_at = now(), expires_at = excluded.expires_at, repository = excluded.repository,
       size_bytes = excluded.size_bytes`,
    [entry.key, outputs, artifacts, files, entry.runId, ttlMs, plainText(repository), sizeOf(entry)],
  );
}

/** Bytes of what is kept of a result, without the files that it names. */
export function sizeOf({ outputs, artifacts, files }: Pick<CacheEntry, 'outputs' | 'artifacts' | 'files'>): number {
  return Buffer.byteLength(jsonText([outputs, artifacts, files]));
}

/** What all results of one repository may take; beyond it the oldest go. */
export interface CacheLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

/** Removes results whose time is over, at most `limit` of them at once. */
export async function removeExpiredCache(session: Session, limit: number): Promise<void> {
  await session.query(
    'cache_remove_expired',
    'delete from cache_entry where key = any (array(select key from cache_entry where expires_at <= now() order by expires_at limit $1))',
    [limit],
  );
}

/** Removes the oldest results of repositories that keep too much. */
export async function trimCaches(session: Session, { entriesMax, bytesMax }: CacheLimits): Promise<void> {
  await session.query(
    'cache_trim',
    `with full_ones as (
       select repository from cache_entry where repository is not null group by repository
       having count(*) > $1 or sum(size_bytes) > $2),
     ranked as (
       select key, row_number() over newest as place, sum(size_bytes) over newest as bytes
       from cache_entry join full_ones using (repository)
       window newest as (partition by repository order by created_at desc, key rows unbounded preceding))
     delete from cache_entry where key = any (array(select key from ranked where place > $1 or bytes > $2))`,
    [entriesMax, bytesMax],
  );
}
