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

/** The first one stands, whoever else made one at the same moment. Answers which that is. */
export async function keepReleasePack(db: Database, run: number, pack: ReleasePack): Promise<ReleasePack> {
  await db.query(
    'release_pack_keep',
    'insert into release_pack (run_id, digest, size_bytes) values ($1, $2, $3) on conflict do nothing',
    [run, pack.digest, pack.sizeBytes],
  );
  return (await findReleasePack(db, run)) ?? pack;
}
