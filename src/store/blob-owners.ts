import type { Digest } from '../base/digest.ts';
import type { Session } from './database.ts';
import { plainText } from './json-text.ts';

/** Remembers that a repository stored a content. */
export async function noteBlob(session: Session, repository: string, digest: Digest): Promise<void> {
  await session.query(
    'blob_owner_add',
    'insert into blob_owner (repository, digest) values ($1, $2) on conflict do nothing',
    [plainText(repository), digest],
  );
}

export async function hasBlob(session: Session, repository: string, digest: Digest): Promise<boolean> {
  const rows = await session.query(
    'blob_owner_find',
    'select 1 from blob_owner where repository = $1 and digest = $2',
    [plainText(repository), digest],
  );
  return rows.length > 0;
}
