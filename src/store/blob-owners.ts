import type { Digest } from '../base/digest.ts';
import { USAGE_KINDS, type Usage } from './attempt-usage.ts';
import type { Session } from './database.ts';
import { plainText } from './json-text.ts';
import type { FencedStep } from './workers.ts';

/**
 * Counts the rest of a content for its attempt, and remembers that the repository, if there is one, stored it. One statement: it
 * is done for each of ten thousand small files. False, and nothing done, where the attempt may store no more.
 */
export async function keepBlob(
  session: Session,
  attempt: FencedStep,
  repository: string | null,
  digest: Digest,
  usage: Usage,
  max: Usage,
): Promise<boolean> {
  const rows = await session.query(
    'blob_keep',
    `with used as (
       insert into attempt_usage as u (run_id, idx, fence, kind, count, bytes)
       select $1::bigint, $2::int, $3::int, ${USAGE_KINDS.blob}, $4::int, $5::bigint where $4::int <= $6::int and $5::bigint <= $7::bigint
       on conflict (run_id, idx, fence, kind) do update set count = u.count + excluded.count, bytes = u.bytes + excluded.bytes
         where u.count + excluded.count <= $6::int and u.bytes + excluded.bytes <= $7::bigint
       returning 1),
     owned as (
       insert into blob_owner (repository, digest) select $8::text, $9::text from used where $8::text is not null
       on conflict do nothing)
     select exists (select 1 from used)`,
    [
      attempt.run,
      attempt.idx,
      attempt.fence,
      usage.count,
      usage.bytes,
      max.count,
      max.bytes,
      repository === null ? null : plainText(repository),
      digest,
    ],
  );
  return rows[0]?.[0] === true;
}

export async function hasBlob(session: Session, repository: string, digest: Digest): Promise<boolean> {
  const rows = await session.query(
    'blob_owner_find',
    'select 1 from blob_owner where repository = $1 and digest = $2',
    [plainText(repository), digest],
  );
  return rows.length > 0;
}
