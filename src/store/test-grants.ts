import type { TestGrants } from '../protocol/test-grant.ts';
import type { Database } from './database.ts';
import { plainText } from './json-text.ts';

export function openTestGrants(db: Database): TestGrants {
  return {
    grant: async ({ repositoryId, pullNumber, headSha, baseRef, grantedBy }) => {
      await db.query(
        'test_grant_add',
        `insert into test_grant (repository_id, pull_number, head_sha, base_ref, granted_by) values ($1, $2, $3, $4, $5)
         on conflict do nothing`,
        [repositoryId, pullNumber, headSha, plainText(baseRef), plainText(grantedBy)],
      );
    },
    isGranted: async ({ repositoryId, pullNumber, headSha, baseRef }) => {
      const rows = await db.query(
        'test_grant_find',
        'select 1 from test_grant where repository_id = $1 and pull_number = $2 and head_sha = $3 and base_ref = $4',
        [repositoryId, pullNumber, headSha, plainText(baseRef)],
      );
      return rows.length > 0;
    },
  };
}
