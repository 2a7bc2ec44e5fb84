import type { Digest } from '../base/digest.ts';
import type { Database } from './database.ts';

/** A disclosure pack among the blobs. */
export interface ReleasePack {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** The pack that lies beside the release of a run; undefined where there is none yet. */
export async function findReleasePack(db: Database, run: number): Promise<ReleasePack | undefined> {
  const [row] = await db.query('release_pack_read', 'select digest, size_bytes from release_pack where run_id = $1', [
    run,
  ]);
  return row && { digest: String(row[0]) as Digest, sizeBytes: Number(row[1]) };
}

/**
 * The first one stands, whoever else made one at the same moment, unless it is the one whose content is gone. Answers which that is.
 * @param gone digest of a pack that nobody can read any more
 */
export async function keepReleasePack(
  db: Database,
  run: number,
  pack: ReleasePack,
  gone: Digest | undefined,
): Promise<ReleasePack> {
  await db.query(
    'release_pack_keep',
    `insert into release_pack as p (run_id, digest, size_bytes) values ($1, $2, $3)
     on conflict (run_id) do update set digest = excluded.digest, size_bytes = excluded.size_bytes where p.digest = $4`,
    [run, pack.digest, pack.sizeBytes, gone ?? null],
  );
  return (await findReleasePack(db, run)) ?? pack;
}
