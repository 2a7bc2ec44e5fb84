import type { Session } from './database.ts';
import type { FencedStep } from './workers.ts';

/** Number = what stands in column `attempt_usage.kind`. */
export const USAGE_KINDS = { log: 1, annotation: 2, blob: 3, cache: 4 } as const;

export interface Usage {
  readonly count: number;
  readonly bytes: number;
}

/** Counts what an attempt leaves behind; false, and nothing counted, where that is more than it may. A negative amount is given back. */
export async function takeUsage(
  session: Session,
  attempt: FencedStep,
  kind: Exclude<keyof typeof USAGE_KINDS, 'log'>,
  usage: Usage,
  max: Usage,
): Promise<boolean> {
  const rows = await session.query(
    'attempt_usage_take',
    `insert into attempt_usage as u (run_id, idx, fence, kind, count, bytes)
     select $1::bigint, $2::int, $3::int, $4::smallint, $5::int, $6::bigint where $5::int <= $7::int and $6::bigint <= $8::bigint
     on conflict (run_id, idx, fence, kind) do update set count = u.count + excluded.count, bytes = u.bytes + excluded.bytes
       where u.count + excluded.count <= $7::int and u.bytes + excluded.bytes <= $8::bigint
     returning 1`,
    [attempt.run, attempt.idx, attempt.fence, USAGE_KINDS[kind], usage.count, usage.bytes, max.count, max.bytes],
  );
  return rows.length > 0;
}

/**
 * Counts the content that a repository sends on the database's present day; false where that is more than it may. A negative
 * amount is given back, as far as it was taken on that day.
 */
export async function takeBlobDay(
  session: Session,
  repository: string,
  bytes: number,
  bytesMax: number,
): Promise<boolean> {
  const rows = await session.query(
    'repository_day_take',
    `insert into repository_day as d (repository, day, blob_bytes)
     select $1::text, current_date, greatest(0, $2::bigint) where $2::bigint <= $3::bigint
     on conflict (repository, day) do update set blob_bytes = greatest(0, d.blob_bytes + $2::bigint)
       where d.blob_bytes + $2::bigint <= $3::bigint
     returning 1`,
    [repository, bytes, bytesMax],
  );
  return rows.length > 0;
}

/** Forgets what nobody asks for any more: attempts of runs that are over, and days that have passed. */
export async function forgetUsage(session: Session): Promise<void> {
  await session.query(
    'attempt_usage_forget',
    'delete from attempt_usage u using run r where r.id = u.run_id and r.state >= 3',
    [],
  );
  await session.query(
    'attempt_blob_forget',
    'delete from attempt_blob b using run r where r.id = b.run_id and r.state >= 3',
    [],
  );
  await session.query('repository_day_forget', `delete from repository_day where day < current_date - 1`, []);
}
