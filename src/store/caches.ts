import type { JsonObject } from '../base/json.ts';
import type { CacheEntry } from '../protocol/lease.ts';
import type { Artifact } from '../protocol/outcome.ts';
import type { Session } from './database.ts';
import { jsonText } from './json-text.ts';

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

/** The newest result of a key counts. */
export async function saveCache(session: Session, entry: CacheEntry, ttlMs: number): Promise<void> {
  await session.query(
    'cache_save',
    `insert into cache_entry (key, outputs, artifacts, files, run_key, expires_at)
     values ($1, $2::jsonb, $3::jsonb, $4::jsonb, $5, now() + $6::float8 * interval '1 millisecond')
     on conflict (key) do update set outputs = excluded.outputs, artifacts = excluded.artifacts, files = excluded.files,
       run_key = excluded.run_key, created_at = now(), expires_at = excluded.expires_at`,
    [entry.key, jsonText(entry.outputs), jsonText(entry.artifacts), jsonText(entry.files), entry.runId, ttlMs],
  );
}
